import { normalAxis } from "../../ir/index.ts";
import { reducedAxes, resolvePads } from "../../ops/index.ts";
import { int64s, scalar, takeAlong } from "../../tensor/index.ts";
import { identityPerm, withAxes, without } from "./forms.ts";
import { type LayoutRule, type NodeFacts, rankOf, sameOrder } from "./rule.ts";

/** An operator along one axis, an attribute, that keeps the rank; `isData` says which inputs have the axes. */
export function alongAxis(facts: NodeFacts, isData: (i: number) => boolean = (i) => i === 0): LayoutRule {
  const { axis } = facts.context.attrs as { readonly axis: number };
  const rank = facts.outputs[0]!.shape.length;
  return sameOrder(facts, isData, (label) => ({
    attrs: { ...facts.node.attrs, axis: label.indexOf(normalAxis(axis, rank)) },
  }));
}

/** CumSum: the axis is a constant input. */
export function cumulative(facts: NodeFacts): LayoutRule | null {
  const given = facts.context.inputs[1]?.data;
  if (given === undefined) return null;
  const axis = normalAxis(facts.context.ints(1)[0]!, rankOf(facts, 0));
  return sameOrder(
    facts,
    (i) => i === 0,
    (label, inputs, constant) => ({
      inputs: [inputs[0]!, constant("axis", { ...scalar(given.dtype, label.indexOf(axis)), shape: given.shape })],
    }),
  );
}

export function slice(facts: NodeFacts): LayoutRule | null {
  const starts = facts.context.inputs[1]?.data;
  if (starts === undefined) return null;
  const rank = rankOf(facts, 0);
  const axes = facts.context.intsOrNull(3) ?? identityPerm(starts.data.length);
  return sameOrder(
    facts,
    (i) => i === 0,
    (label, inputs, constant) => {
      const moved = int64s(axes.map((axis) => label.indexOf(normalAxis(axis, rank))));
      const dtype = facts.context.inputs[3]?.data?.dtype ?? starts.dtype;
      const typed = dtype === "int32" ? { ...moved, dtype, data: Int32Array.from(moved.data, Number) } : moved;
      return { inputs: [...inputs.slice(0, 3), constant("axes", typed), ...inputs.slice(4)] };
    },
  );
}

export function pad(facts: NodeFacts): LayoutRule {
  const { begins, ends } = resolvePads(facts.context);
  return sameOrder(
    facts,
    (i) => i === 0,
    (label, inputs, constant) => {
      const pads = int64s([...label.map((axis) => begins[axis]!), ...label.map((axis) => ends[axis]!)]);
      return { inputs: [inputs[0]!, constant("pads", pads), ...inputs.slice(2, 3)] };
    },
  );
}

export function tile(facts: NodeFacts): LayoutRule | null {
  const repeats = facts.context.inputs[1]?.data;
  if (repeats === undefined) return null;
  return sameOrder(
    facts,
    (i) => i === 0,
    (label, inputs, constant) => ({ inputs: [inputs[0]!, constant("repeats", takeAlong(repeats, 0, label))] }),
  );
}

/** A rule, labelled by the order of the operand's axes, for a node that takes some axes away. */
function dropping(facts: NodeFacts, dropped: readonly number[], write: LayoutRule["write"]): LayoutRule {
  return {
    start: identityPerm(rankOf(facts, 0)),
    fromInput: (i, perm) => (i === 0 ? perm : null),
    fromOutput: (_, perm) => withAxes(perm, dropped),
    input: (label, i) => (i === 0 ? label : null),
    output: (label) => without(label, dropped),
    write,
  };
}

export function reduction(facts: NodeFacts): LayoutRule | null {
  if (facts.context.has(1) && facts.context.inputs[1]?.data === undefined) return null;
  const context = facts.context as Parameters<typeof reducedAxes>[0];
  const axes = reducedAxes(context);
  return dropping(facts, context.attrs.keepdims === 1 ? [] : axes, (label, inputs, constant) => {
    const moved = axes.map((axis) => label.indexOf(axis)).sort((a, b) => a - b);
    const isAll = (facts.context.intsOrNull(1) ?? []).length === 0;
    return { inputs: isAll ? inputs : [inputs[0]!, constant("axes", int64s(moved))], attrs: facts.node.attrs };
  });
}

/** ArgMax and ArgMin. */
export function argument(facts: NodeFacts): LayoutRule {
  const { axis, keepdims } = facts.context.attrs as { readonly axis: number; readonly keepdims: number };
  const at = normalAxis(axis, rankOf(facts, 0));
  return dropping(facts, keepdims === 1 ? [] : [at], (label, inputs) => ({
    inputs,
    attrs: { ...facts.node.attrs, axis: label.indexOf(at) },
  }));
}

/** Gather by one position (which takes the axis away) or by a list. */
export function gather(facts: NodeFacts): LayoutRule | null {
  const { axis } = facts.context.attrs as { readonly axis: number };
  const at = normalAxis(axis, rankOf(facts, 0));
  const indices = facts.context.shape(1);
  if (indices.length > 1) return null;
  return dropping(facts, indices.length === 0 ? [at] : [], (label, inputs) => ({
    inputs,
    attrs: { ...facts.node.attrs, axis: label.indexOf(at) },
  }));
}
