import { EspalierError } from "../diagnostics/index.ts";
import { shapeText } from "../ir/index.ts";
import { float, int } from "./attributes.ts";
import { coupleBatchNorm } from "./coupling-movement.ts";
import { batchNormalization } from "./gradient-norm.ts";
import { defineOp } from "./spec.ts";

/** Inference form, y = scale * (x - mean) / sqrt(var + epsilon) + bias over axis 1; inputs x, scale, bias, mean, var (ONNX BatchNormalization-15). */
export const BatchNormalization = defineOp({
  attrs: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
  inputs: [5, 5],
  kind: "normalization",
  infer: (c) => {
    const x = c.ranked(0, 2, 8);
    if (c.attrs.training_mode !== 0)
      throw new EspalierError("unsupported", "BatchNormalization in training mode cannot be deployed", {
        hint: "Export the model in evaluation mode.",
      });
    for (let i = 1; i < 5; i++) {
      const own = c.ranked(i, 1);
      if (own[0] !== x[1])
        throw new EspalierError(
          "input",
          `BatchNormalization over ${shapeText(x)} needs input ${i} of shape [${x[1]}], got ${shapeText(own)}`,
        );
    }
    return [c.type(0)];
  },
  couple: coupleBatchNorm,
  gradient: batchNormalization,
});
