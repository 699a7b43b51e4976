import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, normalAxis, shapeText } from "../ir/index.ts";
import { float, int } from "./attributes.ts";
import { coupleBatchNorm, coupleInstanceNorm, coupleLayerNorm } from "./coupling-movement.ts";
import { batchNormalization, instanceNormalization, layerNormalization } from "./gradient-norm.ts";
import { defineOp, typed } from "./spec.ts";

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

/** y = scale * (x - mean) / sqrt(var + epsilon) + bias, mean and variance over the spatial axes of each channel of each sample (ONNX InstanceNormalization-6). */
export const InstanceNormalization = defineOp({
  attrs: { epsilon: float(1e-5) },
  inputs: [3, 3],
  kind: "normalization",
  infer: (c) => {
    const x = c.ranked(0, 3, 8);
    for (const i of [1, 2])
      if (shapeText(c.shape(i)) !== shapeText([x[1]!]))
        throw new EspalierError(
          "input",
          `InstanceNormalization over ${shapeText(x)} needs input ${i} of shape [${x[1]}], got ${shapeText(c.shape(i))}`,
        );
    return [c.type(0)];
  },
  couple: coupleInstanceNorm,
  gradient: instanceNormalization,
});

/**
 * y = scale * (x - mean) / sqrt(var + epsilon) + bias, mean and variance over the axes from `axis` on (ONNX LayerNormalization-17); outputs y, mean and
 * 1 / sqrt(var + epsilon).
 */
export const LayerNormalization = defineOp({
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  inputs: [2, 3],
  kind: "normalization",
  infer: (c) => {
    const x = c.ranked(0, 1, 8);
    const axis = normalAxis(c.attrs.axis, x.length);
    for (const i of [1, 2])
      if (c.has(i) && shapeText(broadcastShapes([x, c.shape(i)])) !== shapeText(x))
        throw new EspalierError(
          "input",
          `Input ${i} of LayerNormalization, ${shapeText(c.shape(i))}, does not broadcast to ${shapeText(x)}`,
        );
    const statistic = typed(
      "float32",
      x.map((dim, i) => (i < axis ? dim : 1)),
    );
    return [c.type(0), statistic, statistic];
  },
  couple: coupleLayerNorm,
  gradient: layerNormalization,
});
