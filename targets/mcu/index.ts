import { channelGrain } from "../rules.ts";
import type { Target } from "../target.ts";

/** A microcontroller under TensorFlow Lite Micro: full int8 TFLite, C sources, op resolver and arena size. */
export const mcu: Target = {
  name: "mcu",
  summary: "Full int8 TFLite and C sources for TensorFlow Lite Micro, with the arena to the byte",
  profileClass: "mcu",
  defaults: { model: "models/ds_cnn.onnx", data: "data/fashion-mnist", profile: "stm32l4r5" },
  relativeLimits: { macs: 0.5 },
  fusesResidual: false,
  minimumUnits: 4,
  grain: 4,
  granularity: ["channels", "heads"],
  sensitivity: { ratios: [0.75, 0.5, 0.25], samples: 1000, criterion: "taylor" },
  recovery: { epochs: 4, batch: 64, learningRate: 0.05, distillation: 0.7, temperature: 2 },
  sparsity: null,
  artifacts: ["tflite-int8", "c"],
  rules: [channelGrain],
};
