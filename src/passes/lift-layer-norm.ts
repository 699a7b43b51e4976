import { type Node, type Shape, shapeText, typeText, type ValueId } from "../ir/index.ts";
import { completeAttributes, OPS } from "../ops/index.ts";
import { definePass, type GraphView, type PatchBuilder, replaceBy, rule } from "../rewrite/index.ts";
import { DTYPES, fromNumbers, type Tensor, toNumbers } from "../tensor/index.ts";
import { bare, constantNumber, operandPairs } from "./expression.ts";
import { centredFrom, deviationFrom, isKept, meanFrom, type Spread, type Statistic } from "./statistics.ts";

function ones(shape: Shape, dtype: Tensor["dtype"]): Tensor {
  const sizes = shape as readonly number[];
  return fromNumbers(dtype, sizes, new Float64Array(sizes.reduce((a, b) => a * b, 1)).fill(1));
}

function written(p: PatchBuilder, node: Node, spread: Spread, scale: ValueId | null, bias: ValueId | null): ValueId {
  const { dtype, shape } = p.type(spread.x);
  const gain = scale ?? p.constant(`${node.name}.scale`, ones(shape.slice(spread.axis), dtype));
  const axis = spread.axis === shape.length - 1 ? -1 : spread.axis;
  const inputs = bias === null ? [spread.x, gain] : [spread.x, gain, bias];
  return p.node("LayerNormalization", inputs, { axis, epsilon: spread.epsilon }, { name: node.name });
}

function isLiftable(view: GraphView, { x, axis }: Spread): boolean {
  const { dtype, shape } = view.type(x);
  return DTYPES[dtype].float && shape.slice(axis).every((dim) => typeof dim === "number");
}

/** (x - mean) / sqrt(var + epsilon), as a quotient or a product. */
const core = rule("as-layer-norm", ["Div", "Mul"], (node, view) => {
  const pairs = node.op === "Div" ? operandPairs(node).slice(0, 1) : operandPairs(node);
  for (const [top, factor] of pairs) {
    const centred = centredFrom(view, top);
    const spread = centred === null ? null : deviationFrom(view, factor, node.op === "Div" ? 0.5 : -0.5);
    if (spread === null || spread.x !== centred!.x || spread.axis !== centred!.axis) continue;
    if (!isLiftable(view, spread) || !isKept(view, factor, spread)) continue;
    return replaceBy(view, node, (p) => written(p, node, spread, null, null));
  }
  return null;
});

/** (x - mean) (scale / sqrt(var + epsilon)): the scale goes with the deviation before both meet x. */
const scaled = rule("as-scaled-layer-norm", ["Mul"], (node, view) => {
  for (const [top, gain] of operandPairs(node)) {
    const centred = centredFrom(view, top);
    const found = centred === null ? null : gainFrom(view, gain, centred);
    if (found?.scale == null) continue;
    return replaceBy(view, node, (p) => written(p, node, found.spread, p.constant(found.name, found.scale!), null));
  }
  return null;
});

interface Gain {
  readonly spread: Spread;
  /** Null when there is none. */
  readonly scale: Tensor | null;
  readonly name: string;
}

/** 1 / sqrt(var + epsilon), times a scale or not, of the same x over the same axes. */
function gainFrom(view: GraphView, id: ValueId, { x, axis }: Statistic): Gain | null {
  const matching = (factor: ValueId): Spread | null => {
    const spread = deviationFrom(view, factor, -0.5);
    return spread?.x === x && spread.axis === axis && isLiftable(view, spread) ? spread : null;
  };
  const alone = matching(id);
  if (alone !== null) return { spread: alone, scale: null, name: "" };
  const node = view.producer(id);
  if (node?.op !== "Mul") return null;
  for (const [factor, other] of operandPairs(node)) {
    const spread = matching(factor);
    const scale = spread === null ? null : parameter(view, other, view.type(x).shape.slice(axis));
    if (spread !== null && scale !== null && isKept(view, factor, spread))
      return { spread, scale, name: view.value(other).name };
  }
  return null;
}

/** A constant with one element for each that is normalised, as [normalised axes]; null when it has another shape. */
function parameter(view: GraphView, id: ValueId, shape: Shape): Tensor | null {
  const data = view.constant(id);
  if (data === null) return null;
  const leading = data.shape.length - shape.length;
  const isFull = leading >= 0 && data.shape.slice(0, leading).every((dim) => dim === 1);
  return isFull && shapeText(data.shape.slice(leading)) === shapeText(shape)
    ? { ...data, shape: shape as readonly number[] }
    : null;
}

/** The normalisation that computes a value, if nothing else reads it. */
function normOf(view: GraphView, id: ValueId): { node: Node; spread: Spread; scale: Tensor } | null {
  const node = view.producer(id);
  if (node?.op !== "LayerNormalization" || !view.isPrivate(id) || node.outputs.length > 1) return null;
  const scale = view.constant(node.inputs[1]);
  const { axis, epsilon } = completeAttributes("LayerNormalization", OPS.LayerNormalization.attrs, node.attrs);
  const rank = view.type(node.inputs[0]!).shape.length;
  const spread = { x: node.inputs[0]!, axis: axis < 0 ? axis + rank : axis, epsilon };
  return scale === null ? null : { node, spread, scale };
}

const sameTypes = (view: GraphView, node: Node, id: ValueId) =>
  typeText(view.type(id)) === typeText(view.type(node.outputs[0]!));

const withScale = rule("layer-norm-scale", ["Mul"], (node, view) => {
  for (const [id, other] of operandPairs(node)) {
    const norm = normOf(view, id);
    if (norm === null || (norm.node.inputs[2] ?? null) !== null || !sameTypes(view, node, id)) continue;
    const gain = parameter(view, other, view.type(id).shape.slice(norm.spread.axis));
    if (gain === null || toNumbers(norm.scale).some((value) => value !== 1)) continue;
    return replaceBy(view, node, (p) => written(p, node, norm.spread, p.constant(view.value(other).name, gain), null));
  }
  return null;
});

const withBias = rule("layer-norm-bias", ["Add"], (node, view) => {
  for (const [id, other] of operandPairs(node)) {
    const norm = normOf(view, id);
    if (norm === null || (norm.node.inputs[2] ?? null) !== null || !sameTypes(view, node, id)) continue;
    const bias = parameter(view, other, view.type(id).shape.slice(norm.spread.axis));
    if (bias === null) continue;
    return replaceBy(view, node, (p) =>
      written(p, node, norm.spread, norm.node.inputs[1]!, p.constant(view.value(other).name, bias)),
    );
  }
  return null;
});

/** The other operand of x in a product. */
function besideX(view: GraphView, id: ValueId): (readonly [ValueId, ValueId])[] {
  const node = view.producer(id);
  return node?.op === "Mul" ? [...operandPairs(node)] : [];
}

/** x a + (b - mean a) with a = scale / sqrt(var + epsilon): the form of TensorFlow's batch_normalization, which Keras normalises layers by. */
const distributed = rule("as-distributed-layer-norm", ["Add"], (node, view) => {
  for (const [left, right] of operandPairs(node)) {
    const rest = view.producer(bare(view, right));
    if (rest?.op !== "Sub") continue;
    for (const [x, gain] of besideX(view, left)) {
      const shift = besideX(view, bare(view, rest.inputs[1]!)).find(
        ([, factor]) => bare(view, factor) === bare(view, gain),
      );
      const mean = shift === undefined ? null : meanFrom(view, shift[0]);
      const found = mean?.x === x && sameTypes(view, node, x) ? gainFrom(view, gain, mean) : null;
      if (found === null) continue;
      const isPlain = found.scale === null && constantNumber(view, rest.inputs[0]) === 0;
      const bias = isPlain ? null : parameter(view, rest.inputs[0]!, view.type(x).shape.slice(found.spread.axis));
      // Without a scale, both factors are one number for each slice; with one, they have the shape of x.
      if (found.scale === null ? !isPlain || !isKept(view, gain, found.spread) : bias === null) continue;
      if (found.scale === null && !isKept(view, right, found.spread)) continue;
      return replaceBy(view, node, (p) => {
        const scale = found.scale === null ? null : p.constant(found.name, found.scale);
        const offset = bias === null ? null : p.constant(view.value(rest.inputs[0]!).name, bias);
        return written(p, node, found.spread, scale, offset);
      });
    }
  }
  return null;
});

export const liftLayerNorm = definePass({
  name: "lift-layer-norm",
  summary: "Writes layer normalisation that is spelled out in means, squares and roots as LayerNormalization.",
  details:
    "Over the last axes, by Div or by Mul with a Reciprocal or a power, with or without scale and bias, and in the distributed form of TensorFlow. Normalisation over other axes (channels of NCHW), and by the root of the mean square alone (RMSNorm), has no operator at this opset and stays as it is. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 3, 4]
  const %"axes" = int64[1] {-1}
  %"m": float32[N, 3, 1] = ReduceMean(%"x", %"axes") @"mean"
  %"c": float32[N, 3, 4] = Sub(%"x", %"m") @"centre"
  const %"two" = float32[] {2}
  %"q": float32[N, 3, 4] = Pow(%"c", %"two") @"square"
  %"v": float32[N, 3, 1] = ReduceMean(%"q", %"axes") @"variance"
  const %"eps" = float32[] {0.125}
  %"e": float32[N, 3, 1] = Add(%"v", %"eps") @"add"
  %"d": float32[N, 3, 1] = Sqrt(%"e") @"sqrt"
  %"n": float32[N, 3, 4] = Div(%"c", %"d") @"div"
  const %"gain" = float32[4] {1, 2, 3, 4}
  %"s": float32[N, 3, 4] = Mul(%"n", %"gain") @"scale"
  const %"shift" = float32[4] {0, 0.5, 0, 1}
  %"y": float32[N, 3, 4] = Add(%"s", %"shift") @"bias"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 3, 4]
  const %"gain" = float32[4] {1, 2, 3, 4}
  const %"shift" = float32[4] {0, 0.5, 0, 1}
  %"y": float32[N, 3, 4] = LayerNormalization(%"x", %"gain", %"shift") {axis=-1, epsilon=0.125} @"bias"
  return %"y"
}
`,
  },
  rules: [core, scaled, withScale, withBias, distributed],
});
