import type { ValueId } from "../../ir/index.ts";
import { channelsLast, identityLayout, type Layout } from "./layout.ts";
import { LOWERINGS } from "./ops/index.ts";
import type { Plan, Step } from "./plan.ts";

/**
 * The layout in which each value would best be made: what its first reader that cares wants, seen through operators that
 * pass layouts on. Values that nobody has a wish for are absent. It decides the layout of the graph's inputs and of reshapes.
 */
export function preferredLayouts(plan: Plan, rankOf: (id: ValueId) => number): Map<ValueId, Layout> {
  const wanted = new Map<ValueId, Layout>();
  for (const step of plan.steps.toReversed()) {
    const [input] = step.inputs;
    if (input === undefined || input === null) continue;
    const inputs =
      step.op === "Transpose" || LOWERINGS[step.op as "Conv"]?.wants === "channels-last" ? [input] : step.inputs;
    for (const id of inputs) {
      const wish = id === null ? undefined : wishOf(step, id, wanted, rankOf);
      // Steps are walked backwards, so that an earlier reader's wish replaces a later one's.
      if (id !== null && wish !== undefined) wanted.set(id, wish);
    }
  }
  return wanted;
}

function wishOf(
  step: Step,
  id: ValueId,
  wanted: ReadonlyMap<ValueId, Layout>,
  rankOf: (id: ValueId) => number,
): Layout | undefined {
  const rank = rankOf(id);
  const output = step.outputs.map((out) => wanted.get(out)).find((layout) => layout !== undefined);
  const { wants } = LOWERINGS[step.op as "Conv"] ?? {};
  if (wants === "channels-last") return channelsLast(rank);
  if (output === undefined) return undefined;
  if (step.op === "Transpose") {
    const perm = step.attrs.perm as readonly number[];
    const permutation = perm.length === 0 ? identityLayout(rank).toReversed() : perm;
    return output.map((axis) => (axis < 0 ? -1 : permutation[axis]!));
  }
  return wants === "output" && rankOf(step.outputs[0]!) === rank ? output : undefined;
}
