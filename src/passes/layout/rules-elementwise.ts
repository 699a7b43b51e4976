import { broadcastShapes, normalAxis, shapeText } from "../../ir/index.ts";
import { specOf } from "../../ops/index.ts";
import { int64s } from "../../tensor/index.ts";
import { identityPerm } from "./forms.ts";
import { type LayoutRule, type NodeFacts, rankOf, sameOrder } from "./rule.ts";

/** Operands broadcast to the output: those of lower rank get axes of size 1 where the new order needs them. */
export function broadcasting(facts: NodeFacts, write?: LayoutRule["write"]): LayoutRule {
  const rank = facts.outputs[0]!.shape.length;
  return {
    start: identityPerm(rank),
    fromInput: (i, perm) => (rankOf(facts, i) === rank ? perm : null),
    fromOutput: (_, perm) => perm,
    input: (label, i) => {
      const missing = rank - rankOf(facts, i);
      const form = label.map((axis) => Math.max(-1, axis - missing));
      const first = label.findIndex((axis) => axis >= missing);
      return first < 0 ? [] : form.slice(first);
    },
    output: (label) => label,
    write: write ?? ((_, inputs) => ({ inputs, attrs: facts.node.attrs })),
  };
}

/** The rule of an operator that works element by element, whichever it is: its output is its operands broadcast, and no axis is named. */
export function elementwise(facts: NodeFacts): LayoutRule | null {
  const { node, context, outputs } = facts;
  const spec = specOf(node.op);
  const names = Object.keys(spec.attrs);
  if (spec.kind !== "elementwise" || names.includes("axis") || names.includes("axes")) return null;
  const shapes = context.inputs.flatMap((input) => (input === null ? [] : [input.type.shape]));
  const isBroadcast = outputs.every(({ shape }) => shapeText(shape) === shapeText(broadcastShapes(shapes)));
  return isBroadcast ? broadcasting(facts) : null;
}

/** Quantisation by one scale, or by one a slice of an axis. */
export function quantization(facts: NodeFacts): LayoutRule | null {
  const { axis } = facts.context.attrs as { readonly axis: number };
  const scale = facts.context.shape(1);
  if (scale.length > 1) return null;
  return sameOrder(
    facts,
    (i) => i === 0,
    (label) =>
      scale.length === 0
        ? {}
        : { attrs: { ...facts.node.attrs, axis: label.indexOf(scale[0] === 1 ? 0 : normalAxis(axis, label.length)) } },
  );
}

/** Expand: the operand broadcasts to a constant shape. */
export function expand(facts: NodeFacts): LayoutRule {
  const rank = facts.outputs[0]!.shape.length;
  const wanted = facts.context.ints(1);
  const full = [...new Array<number>(rank - wanted.length).fill(1), ...wanted];
  const rule = broadcasting(facts, (label, inputs, constant) => ({
    inputs: [inputs[0]!, constant("shape", int64s(label.map((axis) => full[axis]!)))],
    attrs: facts.node.attrs,
  }));
  return { ...rule, input: (label, i) => (i === 0 ? rule.input(label, 0) : null) };
}
