import { EspalierError } from "../../../diagnostics/index.ts";
import { normalAxis, type ValueId } from "../../../ir/index.ts";
import { fromNumbers, sizeOf } from "../../../tensor/index.ts";
import { clip } from "../emit/activation.ts";
import { constant, op, rankOf, reduce, reshape, scalarLike, sizeAt, transpose } from "../emit/scope.ts";
import { activated, type LayerContext, type LayerReader, type LayerReaders, unary, weight } from "./context.ts";

/** slope * (x - threshold) below the threshold, x from there to max_value (Keras, layers.ReLU). */
function relu(c: LayerContext, x: ValueId): ValueId {
  const threshold = c.config.number("threshold", 0);
  const slope = c.config.number("negative_slope", 0);
  const given = c.config.raw("max_value");
  const most = given === undefined ? null : c.config.number("max_value", 0);
  if (threshold === 0 && slope === 0) return most === null ? op(c, "Relu", [x]) : clip(c, x, 0, most);
  const low = scalarLike(c, x, threshold);
  const below = op(c, "Mul", [op(c, "Sub", [x, low]), scalarLike(c, x, slope)]);
  const y =
    threshold === 0
      ? op(c, "LeakyRelu", [x], { alpha: slope })
      : op(c, "Where", [op(c, "GreaterOrEqual", [x, low]), x, below]);
  return most === null ? y : op(c, "Min", [y, scalarLike(c, y, most)]);
}

function leakyRelu(c: LayerContext, x: ValueId): ValueId {
  return op(c, "LeakyRelu", [x], { alpha: c.config.number("alpha", c.config.number("negative_slope", 0.3)) });
}

function thresholded(c: LayerContext, x: ValueId): ValueId {
  const above = op(c, "Greater", [x, scalarLike(c, x, c.config.number("theta", 1))]);
  return op(c, "Where", [above, x, scalarLike(c, x, 0)]);
}

function softmax(c: LayerContext, x: ValueId): ValueId {
  const axes = c.config.axes("axis") ?? [-1];
  if (axes.length !== 1)
    throw new EspalierError("unsupported", `A softmax over ${axes.length} axes at once is not supported`);
  return op(c, "Softmax", [x], { axis: axes[0]! });
}

/** A vector of ones or zeros where the layer has no scale or no offset. */
function orFill(c: LayerContext, flag: string, name: string, shape: readonly number[], value: number): ValueId {
  if (c.config.bool(flag, true)) return weight(c, name);
  return constant(c, name, fromNumbers("float32", shape, new Float32Array(sizeOf(shape)).fill(value)));
}

function batchNorm(c: LayerContext, x: ValueId): ValueId {
  const axes = c.config.axes("axis") ?? [-1];
  const rank = rankOf(c, x);
  if (axes.length !== 1 || rank < 2)
    throw new EspalierError(
      "unsupported",
      `A batch normalisation over axes ${axes.join(", ")} of rank ${rank} is not supported`,
    );
  const axis = normalAxis(axes[0]!, rank);
  const channels = [sizeAt(c, x, axis)];
  const operands = [
    orFill(c, "scale", "gamma", channels, 1),
    orFill(c, "center", "beta", channels, 0),
    weight(c, "moving_mean"),
    weight(c, "moving_variance"),
  ];
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis && i !== 0);
  const forth = [0, axis, ...others];
  const back = forth.map((_, i) => forth.indexOf(i));
  const moved = transpose(c, x, forth);
  return transpose(
    c,
    op(c, "BatchNormalization", [moved, ...operands], { epsilon: c.config.number("epsilon", 1e-3) }),
    back,
  );
}

/** Normalises each sample over the given axes; over trailing axes that is one operator. */
function layerNorm(c: LayerContext, x: ValueId): ValueId {
  const rank = rankOf(c, x);
  const axes = (c.config.axes("axis") ?? [-1]).map((axis) => normalAxis(axis, rank)).sort((a, b) => a - b);
  const shape = axes.map((axis) => sizeAt(c, x, axis));
  const [gamma, beta] = [orFill(c, "scale", "gamma", shape, 1), orFill(c, "center", "beta", shape, 0)];
  const epsilon = c.config.number("epsilon", 1e-3);
  if (axes.every((axis, i) => axis === rank - axes.length + i))
    return op(c, "LayerNormalization", [x, gamma, beta], { axis: -axes.length, epsilon });
  const spread = (id: ValueId) =>
    reshape(
      c,
      id,
      Array.from({ length: rank }, (_, i) => (axes.includes(i) ? sizeAt(c, x, i) : 1)),
    );
  const centred = op(c, "Sub", [x, reduce(c, "ReduceMean", x, axes, true)]);
  const variance = reduce(c, "ReduceMean", op(c, "Mul", [centred, centred]), axes, true);
  const scaled = op(c, "Div", [centred, op(c, "Sqrt", [op(c, "Add", [variance, scalarLike(c, x, epsilon)])])]);
  return op(c, "Add", [op(c, "Mul", [scaled, spread(gamma)]), spread(beta)]);
}

/** Layers that do nothing when a model is used rather than trained. */
const identities: readonly string[] = [
  "ActivityRegularization",
  "AlphaDropout",
  "Dropout",
  "GaussianDropout",
  "GaussianNoise",
  "SpatialDropout1D",
  "SpatialDropout2D",
  "SpatialDropout3D",
];

const identity: LayerReader = unary((_, x) => x);

/** Activations and normalisations. */
export const POINTWISE: LayerReaders = {
  Activation: unary(activated),
  BatchNormalization: unary(batchNorm),
  ELU: unary((c, x) => op(c, "Elu", [x], { alpha: c.config.number("alpha", 1) })),
  LayerNormalization: unary(layerNorm),
  LeakyReLU: unary(leakyRelu),
  PReLU: unary((c, x) => op(c, "PRelu", [x, weight(c, "alpha")])),
  ReLU: unary(relu),
  Softmax: unary(softmax),
  ThresholdedReLU: unary(thresholded),
  ...Object.fromEntries(identities.map((name) => [name, identity])),
};
