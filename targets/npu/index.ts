import { channelGrain, runsOnDevice } from "../rules.ts";
import type { Target } from "../target.ts";

/** A mobile NPU: channels cut to the array's grain, full int8 TFLite with labels and normalisation. */
export const npu: Target = {
  name: "npu",
  summary: "Full int8 TFLite with metadata for a mobile NPU",
  profileClass: "npu",
  // Of the example models, the one on which the driver's launch floor does not hide what pruning gains.
  defaults: { model: "models/resnet10_wide.onnx", data: "data/fashion-mnist", profile: "ethos-u65-256" },
  relativeLimits: { latencyMs: 0.6 },
  fusesResidual: false,
  minimumUnits: 8,
  grain: 8,
  granularity: ["channels", "heads"],
  sensitivity: { ratios: [0.75, 0.5, 0.25], samples: 500, criterion: "l2" },
  recovery: { epochs: 1, batch: 64, learningRate: 0.02, distillation: 0.7, temperature: 2 },
  sparsity: null,
  artifacts: ["tflite-int8"],
  rules: [channelGrain, runsOnDevice],
};
