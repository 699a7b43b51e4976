import { type Node, typeText } from "../ir/index.ts";
import { completeAttributes, OPS, reducedAxes, resolvePads, resolveWindow } from "../ops/index.ts";
import { bypass, definePass, type GraphView, replaceBy, rule } from "../rewrite/index.ts";
import { toNumbers } from "../tensor/index.ts";

/** Operators that do nothing when their output has the type of their input: reductions then take axes of size 1. */
const idleWhenSameType = [
  ...["Cast", "Expand", "Flatten", "Reshape", "Slice", "Squeeze", "Tile", "Unsqueeze"],
  ...["GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"],
];

function sameType(view: GraphView, node: Node): boolean {
  return typeText(view.type(node.inputs[0]!)) === typeText(view.type(node.outputs[0]!));
}

function permOf(view: GraphView, node: Node): readonly number[] {
  const { perm } = completeAttributes("Transpose", OPS.Transpose.attrs, node.attrs);
  const rank = view.type(node.inputs[0]!).shape.length;
  return perm.length > 0 ? perm : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const passThrough = rule("pass-through", ["Identity", "Dropout"], (node, view) => bypass(view, node, node.inputs[0]));

const sameShape = rule("same-type", idleWhenSameType, (node, view) => {
  if (!sameType(view, node)) return null;
  // A slice of the whole axis backwards keeps the type and turns the order.
  if (
    node.op === "Slice" &&
    view.constant(node.inputs[4]) !== null &&
    toNumbers(view.constant(node.inputs[4])!).some((step) => step < 0)
  )
    return null;
  // Of a batch that is 1 today, a reduction still says that samples meet.
  if (node.op.startsWith("Reduce") && reducedAxes(view.context(node) as never).includes(0)) return null;
  return bypass(view, node, node.inputs[0]);
});

/** A resize by 1 in every direction reads each pixel where it is, but for a crop. */
const sameSize = rule("same-size", ["Resize"], (node, view) => {
  if (!sameType(view, node) || node.attrs.coordinate_transformation_mode === "tf_crop_and_resize") return null;
  const scales = view.constant(node.inputs[2]);
  const isByOne = scales === null || scales.data.length === 0 || toNumbers(scales).every((scale) => scale === 1);
  return isByOne ? bypass(view, node, node.inputs[0]) : null;
});

const singleInput = rule("one-operand", ["Concat", "Sum", "Min", "Max"], (node, view) =>
  node.inputs.length === 1 ? bypass(view, node, node.inputs[0]) : null,
);

const wholeSplit = rule("one-part", ["Split"], (node, view) =>
  node.outputs.length === 1 && sameType(view, node) ? bypass(view, node, node.inputs[0]) : null,
);

const noPads = rule("no-pads", ["Pad"], (node, view) => {
  const { begins, ends } = resolvePads(view.context(node));
  return [...begins, ...ends].every((pad) => pad === 0) ? bypass(view, node, node.inputs[0]) : null;
});

const unbounded = rule("no-bounds", ["Clip"], (node, view) => {
  const [low, high] = [node.inputs[1] ?? null, node.inputs[2] ?? null].map((id) =>
    id === null ? undefined : view.constant(id),
  );
  if (low === null || high === null) return null;
  const isLow = low === undefined || toNumbers(low)[0] === Number.NEGATIVE_INFINITY;
  const isHigh = high === undefined || toNumbers(high)[0] === Number.POSITIVE_INFINITY;
  return isLow && isHigh ? bypass(view, node, node.inputs[0]) : null;
});

const onePixelPool = rule("one-pixel-window", ["AveragePool", "MaxPool"], (node, view) => {
  const attrs = completeAttributes("AveragePool", { ...OPS.AveragePool.attrs, ...OPS.MaxPool.attrs }, node.attrs);
  const window = resolveWindow(node.op, attrs, attrs.kernel_shape, view.type(node.inputs[0]!).shape.slice(2));
  const idle = [...window.kernel, ...window.strides].every((v) => v === 1) && window.pads.every((pad) => pad === 0);
  return idle ? bypass(view, node, node.inputs[0]) : null;
});

/** The number that leaves the other operand as it is. */
const neutral: Readonly<Record<string, number>> = {
  ...{ Add: 0, Sub: 0, Mul: 1, Div: 1, Pow: 1 },
  ...{ Max: Number.NEGATIVE_INFINITY, Min: Number.POSITIVE_INFINITY },
};
const commutes = ["Add", "Mul", "Max", "Min"];

const neutralOperand = rule("neutral-operand", Object.keys(neutral), (node, view) => {
  for (const [kept, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    if (node.inputs.length !== 2 || (kept === 1 && !commutes.includes(node.op))) continue;
    const constant = view.constant(node.inputs[other]);
    if (constant === null || typeText(view.type(node.inputs[kept]!)) !== typeText(view.type(node.outputs[0]!)))
      continue;
    if (toNumbers(constant).every((value) => value === neutral[node.op])) return bypass(view, node, node.inputs[kept]);
  }
  return null;
});

const transposePair = rule("transpose-pair", ["Transpose"], (node, view) => {
  const perm = permOf(view, node);
  if (perm.every((axis, i) => axis === i)) return bypass(view, node, node.inputs[0]);
  const first = view.producer(node.inputs[0]);
  if (first?.op !== "Transpose") return null;
  const firstPerm = permOf(view, first);
  const both = perm.map((axis) => firstPerm[axis]!);
  if (both.every((axis, i) => axis === i)) {
    const direct = bypass(view, node, first.inputs[0]);
    if (direct !== null) return direct;
  }
  return replaceBy(view, node, (p) => p.node("Transpose", [first.inputs[0]!], { perm: both }, { name: node.name }));
});

export const removeIdentity = definePass({
  name: "remove-identity",
  summary: "Removes nodes that pass their input through, and pairs of transposes that undo each other.",
  details:
    "Covers Identity, Dropout, casts and reshapes to the same type, pads of zero, bounds at infinity, one-pixel pooling, resizing by 1, reductions of axes of size 1, operators of one operand, the addition of 0, multiplication by 1 and the power of 1. Outputs are equal bit for bit, except that -0 + 0 may keep its sign. A node stays where the graph would otherwise return its own input or the same value twice.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  %"a": float32[N, 4, 4, 2] = Transpose(%"x") {perm=[0, 2, 3, 1]} @"to-nhwc"
  %"b": float32[N, 4, 4, 2] = Identity(%"a") @"same"
  %"c": float32[N, 2, 4, 4] = Transpose(%"b") {perm=[0, 3, 1, 2]} @"to-nchw"
  %"d": float32[N, 2, 4, 4] = Relu(%"c") @"relu"
  const %"zero" = float32[] {0}
  %"y": float32[N, 2, 4, 4] = Add(%"d", %"zero") @"add"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 2, 4, 4]
  %"y": float32[N, 2, 4, 4] = Relu(%"x") @"relu"
  return %"y"
}
`,
  },
  rules: [
    passThrough,
    sameShape,
    sameSize,
    singleInput,
    wholeSplit,
    noPads,
    unbounded,
    onePixelPool,
    neutralOperand,
    transposePair,
  ],
});
