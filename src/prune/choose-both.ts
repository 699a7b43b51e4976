import type { PruneGroup } from "./group-types.ts";
import type { Overlap } from "./overlap.ts";
import { type Bounds, chosenAt, type Move, movesOf, type Part, type PartState, partsOf } from "./row-parts.ts";
import { keepCounts, removalSteps, stepOf } from "./selection.ts";

/** Units as a choice of rows and channels counts them: channels, and rows that hold none. */
export function countedUnits(overlap: Overlap, groups: readonly PruneGroup[]): Set<number> {
  const channels = groups.filter((group) => group.kind === "channels");
  const rows = groups.filter((group) => group.kind === "rows");
  const bare = rows.flatMap(({ units }) => units.filter(({ id }) => overlap.covered.get(id)!.length === 0));
  return new Set([...channels.flatMap(({ units }) => units), ...bare].map(({ id }) => id));
}

/** Takes the cheapest next step, a row or channels inside the rows that are left, until `target` counted units are gone. */
export function chooseBothGlobal(overlap: Overlap, bounds: readonly Bounds[], target: number): Set<number> {
  const counted = countedUnits(
    overlap,
    bounds.map(({ group }) => group),
  );
  const queues = partsOf(overlap, bounds).flatMap((part) =>
    part.rows.length === 0 ? part.channels.map(channelQueue) : [partQueue(overlap, part, counted)],
  );
  const heads = queues.map((queue) => queue.next());
  for (let count = 0; count < target; ) {
    let at = -1;
    heads.forEach((step, i) => {
      if (step !== null && (at < 0 || step.cost < heads[at]!.cost)) at = i;
    });
    if (at < 0) break;
    count += heads[at]!.take();
    heads[at] = queues[at]!.next();
  }
  return new Set(queues.flatMap((queue) => [...queue.gone()]));
}

/** The steps of a part, one after the other. */
interface Queue {
  /** The step that is next, to be taken or left; taking it says how many counted units go. */
  next(): { readonly cost: number; take(): number } | null;
  /** What the steps taken so far cut. */
  gone(): ReadonlySet<number>;
}

/** A group without rows has its steps laid out beforehand. */
function channelQueue({ group, scores, alignment, minimum, block }: Bounds): Queue {
  const steps = removalSteps(group, scores, alignment, minimum, block).reverse();
  const gone = new Set<number>();
  return {
    next: () => {
      const step = steps.pop();
      if (step === undefined) return null;
      const take = () => {
        for (const id of step.ids) gone.add(id);
        return step.ids.length;
      };
      return { cost: step.cost, take };
    },
    gone: () => gone,
  };
}

/** Rows and the channels in them: after each step the next one of every group is found anew. */
function partQueue(overlap: Overlap, part: Part, counted: ReadonlySet<number>): Queue {
  let state: PartState = new Map();
  let gone: ReadonlySet<number> = new Set();
  const count = (ids: ReadonlySet<number>) => [...ids].filter((id) => counted.has(id)).length;
  return {
    next: () => {
      const moves = movesOf(overlap, part, state);
      const best = moves.reduce<Move | null>((least, m) => (least === null || m.cost < least.cost ? m : least), null);
      if (best === null) return null;
      const take = () => {
        const before = count(gone);
        state = best.state;
        gone = best.gone;
        return count(gone) - before;
      };
      return { cost: best.cost, take };
    },
    gone: () => gone,
  };
}

/**
 * Every group keeps the share; where rows and channels overlap, rows keep about its square root, and channels what is then missing: so that the two
 * together keep the share.
 */
export function chooseBothLocal(overlap: Overlap, bounds: readonly Bounds[], keep: number): Set<number> {
  const gone = new Set<number>();
  const wanted = (size: number, share: number) => Math.ceil(size * share - 1e-9);
  for (const part of partsOf(overlap, bounds)) {
    let state: PartState = new Map();
    const adopt = (group: PruneGroup, values: readonly number[]) => {
      for (const value of values) {
        const next = new Map(state).set(group.id, value);
        if (chosenAt(overlap, part, next) === null) continue;
        state = next;
        return;
      }
    };
    const share = part.channels.length === 0 ? keep : Math.sqrt(keep);
    for (const { group, minimum } of part.rows) {
      const far = (count: number) => Math.abs(count - group.size * share);
      const counts = keepCounts(group, 1, minimum).filter((count) => count >= wanted(group.size, keep));
      adopt(
        group,
        counts.sort((a, b) => far(a) - far(b)),
      );
    }
    for (const { group, alignment, minimum, block } of part.channels) {
      const left = chosenAt(overlap, part, state)!.left.get(group.id)!;
      const counts = keepCounts(left, alignment, Math.min(minimum, left.size), block);
      const legal = counts.filter((count) => count >= wanted(group.size, keep));
      adopt(
        group,
        legal.map((count) => (left.size - count) / (stepOf(left) * block)),
      );
    }
    for (const id of chosenAt(overlap, part, state)!.gone) gone.add(id);
  }
  return gone;
}
