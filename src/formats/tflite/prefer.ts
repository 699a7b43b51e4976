import type { ValueId } from "../../ir/index.ts";
import { channelsLast, identityLayout, type Layout } from "./layout.ts";
import { LOWERINGS } from "./ops/index.ts";
import type { Plan, Step } from "./plan.ts";
import type { Lowering } from "./step-context.ts";

type RankOf = (id: ValueId) => number;
type Wishes = Map<ValueId, Layout>;

/**
 * The layout in which each value would best be made: what its first reader that cares wants, seen through operators that
 * pass layouts on; without one, what those that it is combined with have. Values that nobody has a wish for are absent.
 * It decides the layout of the graph's inputs and of reshapes.
 */
export function preferredLayouts(plan: Plan, rankOf: RankOf): ReadonlyMap<ValueId, Layout> {
  const wishes: Wishes = new Map();
  // Backwards, so that an earlier reader's wish replaces a later one's.
  for (const step of plan.steps.toReversed()) askInputs(step, wishes, rankOf, true);
  for (const step of plan.steps) passOn(step, wishes, rankOf);
  for (const step of plan.steps.toReversed()) askInputs(step, wishes, rankOf, false);
  return wishes;
}

function wantsOf(step: Step): Lowering["wants"] {
  return LOWERINGS[step.op as keyof typeof LOWERINGS]?.wants;
}

function askInputs(step: Step, wishes: Wishes, rankOf: RankOf, replace: boolean): void {
  const sole = step.op === "Transpose" || wantsOf(step) === "channels-last";
  for (const id of sole ? step.inputs.slice(0, 1) : step.inputs) {
    if (id === null || (!replace && wishes.has(id))) continue;
    const wish = wishOf(step, rankOf(id), wishes, rankOf);
    if (wish !== undefined) wishes.set(id, wish);
  }
}

function wishOf(step: Step, rank: number, wishes: Wishes, rankOf: RankOf): Layout | undefined {
  const wants = wantsOf(step);
  if (wants === "channels-last") return channelsLast(rank);
  const output = step.outputs.map((out) => wishes.get(out)).find((layout) => layout !== undefined);
  if (output === undefined) return undefined;
  if (step.op === "Transpose") {
    const permutation = permutationOf(step, rank);
    return output.map((axis) => (axis < 0 ? -1 : permutation[axis]!));
  }
  return wants === "output" && rankOf(step.outputs[0]!) === rank ? output : undefined;
}

/** Outputs that nobody has a wish for come in the layout of what they are made from. */
function passOn(step: Step, wishes: Wishes, rankOf: RankOf): void {
  const wants = wantsOf(step);
  for (const out of step.outputs) {
    if (wishes.has(out)) continue;
    const rank = rankOf(out);
    const from = step.inputs.find((id) => id !== null && wishes.has(id) && rankOf(id) === rank);
    const layout = from === undefined || from === null ? undefined : wishes.get(from)!;
    if (wants === "channels-last") wishes.set(out, channelsLast(rank));
    else if (layout !== undefined && wants === "output") wishes.set(out, layout);
    else if (layout !== undefined && step.op === "Transpose") {
      const permutation = permutationOf(step, rank);
      wishes.set(
        out,
        layout.map((axis) => (axis < 0 ? -1 : permutation.indexOf(axis))),
      );
    }
  }
}

function permutationOf(step: Step, rank: number): readonly number[] {
  const perm = step.attrs.perm as readonly number[];
  return perm.length === 0 ? identityLayout(rank).toReversed() : perm;
}
