import { channelGrain } from "../rules.ts";
import type { Target } from "../target.ts";

/** An Ampere GPU: channels cut to the tensor cores' grain, 2:4 where sparse kernels win, fp16 and fp32 ONNX. */
export const ampere: Target = {
  name: "ampere",
  summary: "ONNX with 2:4 structured sparsity for NVIDIA Ampere GPUs, float16 and float32",
  profileClass: "gpu",
  defaults: { model: "models/resnet10_wide.onnx", data: "data/fashion-mnist", profile: "a100-pcie-80gb" },
  relativeLimits: { latencyMs: 0.6 },
  fusesResidual: true,
  minimumUnits: 16,
  grain: 8,
  granularity: ["channels", "heads"],
  sensitivity: { ratios: [0.75, 0.5, 0.25], samples: 500, criterion: "l2" },
  recovery: { epochs: 1, batch: 64, learningRate: 0.02, distillation: 0.7, temperature: 2 },
  sparsity: { n: 2, m: 4, epochs: 0.5 },
  artifacts: ["onnx-float16", "onnx-float32"],
  rules: [channelGrain],
};
