import { type Shape, shapeText, typeText } from "../ir/index.ts";
import { reducedAxes, reshaped } from "../ops/index.ts";
import { bypass, definePass, replaceBy, rule } from "../rewrite/index.ts";
import { int64s, toInts } from "../tensor/index.ts";

/** Operators that keep every element in its place. */
const reshapes = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"];

/**
 * The spelling of a reshape that depends least on sizes: leading dimensions that stay are 0, a single dimension that is
 * left is -1. So [N, 64, 4, 4] to [N, 1024] is {0, -1}, which holds for every batch and width. Null when a shape has no spelling.
 */
export function spellReshape(from: Shape, to: Shape): number[] | null {
  if (from.includes(0) || to.includes(0)) return null;
  let kept = 0;
  while (kept < to.length && kept < from.length && to[kept] === from[kept]) kept++;
  const rest = to.slice(kept);
  const free = rest.length === 1 || rest.some((dim) => typeof dim === "string");
  const spelled = rest.map((dim) => (rest.length === 1 || typeof dim === "string" ? -1 : dim));
  if (free && spelled.filter((dim) => dim === -1).length !== 1) return null;
  const spelling = [...to.slice(0, kept).map(() => 0), ...spelled];
  return shapeText(reshaped(from, spelling, false)) === shapeText(to) ? spelling : null;
}

const respell = rule("respell", ["Reshape", "Flatten"], (node, view) => {
  const spelling = spellReshape(view.type(node.inputs[0]!).shape, view.type(node.outputs[0]!).shape);
  const present = view.constant(node.inputs[1]);
  if (spelling === null || (present !== null && shapeText(toInts(present)) === shapeText(spelling))) return null;
  return replaceBy(view, node, (p) =>
    p.node("Reshape", [node.inputs[0]!, p.constant(`${node.name}.shape`, int64s(spelling))], {}, { name: node.name }),
  );
});

const chain = rule("reshape-of-reshape", reshapes, (node, view) => {
  const first = view.producer(node.inputs[0]);
  if (first === null || !reshapes.includes(first.op)) return null;
  // There and back again: nothing is left.
  const same = typeText(view.type(first.inputs[0]!)) === typeText(view.type(node.outputs[0]!));
  const direct = same ? bypass(view, node, first.inputs[0]) : null;
  if (direct !== null) return direct;
  const spelling = spellReshape(view.type(first.inputs[0]!).shape, view.type(node.outputs[0]!).shape);
  if (spelling === null) return null;
  return replaceBy(view, node, (p) =>
    p.node("Reshape", [first.inputs[0]!, p.constant(`${node.name}.shape`, int64s(spelling))], {}, { name: node.name }),
  );
});

/** A reduction that drops its axes, and a reshape that puts them back as 1. */
const keptAxes = rule("reduction-keeps-axes", reshapes, (node, view) => {
  const reduce = view.producer(node.inputs[0]);
  if (reduce?.op.startsWith("Reduce") !== true || !view.isPrivate(node.inputs[0]!)) return null;
  const context = view.context(reduce) as unknown as Parameters<typeof reducedAxes>[0];
  const axes = reducedAxes(context);
  const kept = context.shape(0).map((dim, i) => (axes.includes(i) ? 1 : dim));
  if (context.attrs.keepdims === 1 || shapeText(kept) !== shapeText(view.type(node.outputs[0]!).shape)) return null;
  return replaceBy(view, node, (p) =>
    p.node(reduce.op, reduce.inputs, { ...reduce.attrs, keepdims: 1 }, { name: reduce.name }),
  );
});

/** Without axes, Squeeze would also drop a batch that happens to be 1 when the model runs. */
const explicitAxes = rule("explicit-squeeze-axes", ["Squeeze"], (node, view) => {
  const { shape } = view.type(node.inputs[0]!);
  const given = view.constant(node.inputs[1]);
  if ((given !== null && given.data.length > 0) || shape.every((dim) => typeof dim === "number")) return null;
  const axes = shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  if (axes.length === 0) return bypass(view, node, node.inputs[0]);
  return replaceBy(view, node, (p) =>
    p.node("Squeeze", [node.inputs[0]!, p.constant(`${node.name}.axes`, int64s(axes))], {}, { name: node.name }),
  );
});

export const simplifyReshape = definePass({
  name: "simplify-reshape",
  summary:
    "Writes Flatten and chains of reshapes as one Reshape whose constant spells neither the batch nor the width.",
  details:
    "A reduction whose dropped axes are put back keeps them. A Squeeze without axes gets those that its type says. Outputs are equal bit for bit.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4, 2, 2]
  const %"to" = int64[3] {-1, 4, 4}
  %"a": float32[N, 4, 4] = Reshape(%"x", %"to") @"rows"
  %"b": float32[N, 16] = Flatten(%"a") @"flat"
  %"y": float32[N, 16] = Relu(%"b") @"relu"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4, 2, 2]
  const %"flat.shape" = int64[2] {0, -1}
  %"b": float32[N, 16] = Reshape(%"x", %"flat.shape") @"flat"
  %"y": float32[N, 16] = Relu(%"b") @"relu"
  return %"y"
}
`,
  },
  rules: [keptAxes, chain, respell, explicitAxes],
});
