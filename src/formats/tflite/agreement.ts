import { compact, identityLayout, type Layout } from "./layout.ts";
import type { StepContext } from "./step-context.ts";

/**
 * The layout in which an operator that does not care runs: that of most of its computed inputs of full rank (ties go to
 * the first), so that as few as possible are moved; constants follow.
 */
export function agreedLayout(c: StepContext, inputs: readonly number[]): Layout {
  const rank = c.outShape().length;
  const votes = new Map<string, { layout: Layout; count: number }>();
  for (const i of inputs) {
    if (!c.has(i) || c.constant(i) !== null || c.shape(i).length !== rank) continue;
    const placed = c.placed(i);
    const layout = placed.flat === undefined ? placed.layout : identityLayout(rank);
    const vote = votes.get(layout.join()) ?? { layout, count: 0 };
    votes.set(layout.join(), { layout, count: vote.count + 1 });
  }
  let best: { layout: Layout; count: number } | null = null;
  for (const vote of votes.values()) if (best === null || vote.count > best.count) best = vote;
  return best?.layout ?? compact(c.wantedLayout());
}

/** The layout that the first input has: for operators that take axes away, whichever way those lie. */
export function ownLayout(c: StepContext): Layout {
  if (c.constant(0) !== null || c.placed(0).flat !== undefined) return identityLayout(c.shape(0).length);
  return c.placed(0).layout;
}
