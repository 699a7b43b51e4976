import { subset } from "../../src/data/index.ts";
import { cutGraph, type PruneGroup } from "../../src/prune/index.ts";
import { evaluate } from "../../src/train/index.ts";
import { ABLATION, type Experiment } from "./experiment.ts";
import { ablationKey, usual } from "./plan.ts";
import { scoresFor } from "./reach.ts";
import type { Figures, Store } from "./store.ts";

/** How much the loss on held-out images rises when a unit goes alone, unit by unit. */
export async function ablate({ graph, groups, heldOut }: Experiment, group: PruneGroup): Promise<Figures> {
  const some = subset(
    heldOut,
    Int32Array.from({ length: ABLATION }, (_, i) => i),
  );
  const whole = (await evaluate(graph, some, { threads: 1 })).loss;
  const figures: Record<string, number> = {};
  for (const [i, { id }] of group.units.entries())
    figures[i] = (await evaluate(cutGraph(graph, groups, new Set([id])), some, { threads: 1 })).loss - whole;
  return figures;
}

/** Spearman's rank correlation of a criterion's scores with the measured rises of the loss, group by group. */
export async function agreement(
  experiment: Experiment,
  store: Store,
  criterion: Parameters<typeof usual>[0],
  draw: number,
): Promise<Figures> {
  const scores = await scoresFor(experiment, usual(criterion, draw));
  const entries = experiment.channels.map((group): [string, number] => {
    const rises = store.get(ablationKey(group.name));
    if (rises === undefined) return [group.name, Number.NaN];
    return [
      group.name,
      correlation(ranks(scores.get(group.id)!), ranks(Float64Array.from(group.units, (_, i) => rises[i]!))),
    ];
  });
  return Object.fromEntries(entries);
}

/** Ranks from 0; equal values share the mean of theirs. */
function ranks(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) out[order[at]!] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

/** Pearson's; 0 where one of them does not vary. */
function correlation(a: Float64Array, b: Float64Array): number {
  const centre = (values: Float64Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [p, q] = [centre(a), centre(b)];
  const product = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const scale = Math.sqrt(product(p, p) * product(q, q));
  return scale > 0 ? product(p, q) / scale : 0;
}
