import { channelGrain } from "../rules.ts";
import type { Target } from "../target.ts";

/** A server or desktop CPU: ONNX and TFLite files, float32 or int8, whichever this machine runs faster. */
export const cpu: Target = {
  name: "cpu",
  summary: "ONNX and TFLite for this machine's CPU, float32 or int8, whichever is faster here",
  profileClass: "cpu",
  defaults: { model: "models/resnet10_wide.onnx", data: "data/fashion-mnist", profile: "host-cpu" },
  relativeLimits: { latencyMs: 0.6 },
  fusesResidual: true,
  minimumUnits: 16,
  // ONNX Runtime blocks channels by 16 where the CPU has AVX-512 and by 8 elsewhere; what is no multiple is padded and gains nothing.
  grain: 16,
  granularity: ["channels", "heads"],
  sensitivity: { ratios: [0.75, 0.5, 0.25], samples: 500, criterion: "l2" },
  recovery: { epochs: 1, batch: 64, learningRate: 0.02, distillation: 0.7, temperature: 2 },
  sparsity: null,
  artifacts: ["onnx-float32", "onnx-int8", "tflite-float32", "tflite-int8"],
  rules: [channelGrain],
};
