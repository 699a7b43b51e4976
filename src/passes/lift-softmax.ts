import { type Node, shapeText, typeText, type ValueId } from "../ir/index.ts";
import { reducedAxes } from "../ops/index.ts";
import { definePass, type GraphView, replaceBy, rule } from "../rewrite/index.ts";
import { bare } from "./expression.ts";

/** The one axis along which a value is the sum of another; null when it is none, or not one number for each slice. */
function axisSummed(view: GraphView, id: ValueId, of: ValueId): number | null {
  const node = view.producer(bare(view, id));
  if (node?.op !== "ReduceSum" || node.inputs[0] !== of) return null;
  const axes = reducedAxes(view.context(node) as never);
  const kept = view.type(of).shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return axes.length === 1 && shapeText(view.type(id).shape) === shapeText(kept) ? axes[0]! : null;
}

/** What an exponential is of: x, or x less something that is the same along the axis (its maximum), which the quotient cancels. */
function unshifted(view: GraphView, id: ValueId, axis: number): ValueId {
  const sub = view.producer(id);
  if (sub?.op !== "Sub") return id;
  const [x, shift] = [view.type(sub.inputs[0]!), view.type(sub.inputs[1]!)];
  const at = axis - (x.shape.length - shift.shape.length);
  const isSame = at < 0 || shift.shape[at] === 1;
  return isSame && typeText(x) === typeText(view.type(id)) ? sub.inputs[0]! : id;
}

/** The two factors of a quotient, written by Div or by Mul with a Reciprocal. */
function quotients(view: GraphView, node: Node): [ValueId, ValueId][] {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!];
  if (node.op === "Div") return [[a, b]];
  const reciprocal = (id: ValueId) => {
    const maker = view.producer(id);
    return maker?.op === "Reciprocal" ? maker.inputs[0]! : null;
  };
  const [ofA, ofB] = [reciprocal(a), reciprocal(b)];
  return [
    ofB === null ? [] : [[a, ofB] as [ValueId, ValueId]],
    ofA === null ? [] : [[b, ofA] as [ValueId, ValueId]],
  ].flat();
}

const asSoftmax = rule("as-softmax", ["Div", "Mul"], (node, view) => {
  for (const [top, bottom] of quotients(view, node)) {
    const exp = view.producer(top);
    const axis = exp?.op === "Exp" ? axisSummed(view, bottom, top) : null;
    if (axis === null) continue;
    const x = unshifted(view, exp!.inputs[0]!, axis);
    if (typeText(view.type(x)) !== typeText(view.type(node.outputs[0]!))) continue;
    // Counted from the end where it is the last, as exporters write it.
    const written = axis === view.type(x).shape.length - 1 ? -1 : axis;
    return replaceBy(view, node, (p) => p.node("Softmax", [x], { axis: written }, { name: node.name }));
  }
  return null;
});

export const liftSoftmax = definePass({
  name: "lift-softmax",
  summary: "Writes an exponential divided by its sum along an axis as Softmax.",
  details:
    "With the maximum subtracted first (or whatever else is the same along the axis), or without; outputs agree to float rounding, and where the exponential alone would overflow, Softmax does not. Attention stays a MatMul, a Softmax and a MatMul: there is no operator for it at this opset. Its mask stays an Add and its scale a Mul.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4]
  const %"axes" = int64[1] {-1}
  %"m": float32[N, 1] = ReduceMax(%"x", %"axes") @"max"
  %"d": float32[N, 4] = Sub(%"x", %"m") @"sub"
  %"e": float32[N, 4] = Exp(%"d") @"exp"
  %"s": float32[N, 1] = ReduceSum(%"e", %"axes") @"sum"
  %"y": float32[N, 4] = Div(%"e", %"s") @"div"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4]
  %"y": float32[N, 4] = Softmax(%"x") {axis=-1} @"div"
  return %"y"
}
`,
  },
  rules: [asSoftmax],
});
