import { type Graph, valueById } from "../../ir/index.ts";
import { stridesOf } from "../../tensor/index.ts";
import type { Criterion, CriterionName } from "../criteria/index.ts";
import { gatherEvidence } from "../evidence.ts";
import { type Cut, type PruneGroup, type PruneUnit, sliceKey, type UnitSlice } from "../group-types.ts";
import { findGroups } from "../groups.ts";
import { scoreGroups } from "../score.ts";
import type { PruneRun, PruneState } from "./run.ts";
import { type Places, slicedGraph, slicingOf } from "./slicing.ts";

/** Scores by group id, parallel to the group's units: what `chooseCut` takes. Units that are gone score -Infinity. */
export type UnitScores = ReadonlyMap<number, Float64Array>;

/** Scores of the candidates' units from a score by group and index of the unit; units that are gone go first, those of which nothing is known last. */
export function scoresFrom(
  candidates: readonly PruneGroup[],
  cut: Cut,
  score: (group: PruneGroup, unit: number) => number | undefined,
): UnitScores {
  return new Map(
    candidates.map((group) => [
      group.id,
      Float64Array.from(group.units, ({ id }, i) =>
        cut.has(id) ? Number.NEGATIVE_INFINITY : (score(group, i) ?? Number.POSITIVE_INFINITY),
      ),
    ]),
  );
}

/** Scores what is left of the model by a criterion, in the cut graph as it is now, and says it of the units of the given graph. */
export async function criterionScores(
  run: PruneRun,
  state: PruneState,
  fallback: CriterionName = "l1",
): Promise<UnitScores> {
  const { options, data, candidates } = run;
  const { criterion = fallback, seed = 0, evidenceSamples, train: settings } = options;
  const slicing = slicingOf(run.groups, state.cut);
  const small = slicedGraph(slicing, state.whole);
  const groups = findGroups(small);
  const evidence = await gatherEvidence(small, groups, criterion as CriterionName | Criterion, data, {
    seed,
    ...(evidenceSamples === undefined ? {} : { samples: evidenceSamples }),
    ...(settings?.threads === undefined ? {} : { threads: settings.threads }),
  });
  const scores = scoreGroups(small, groups, criterion, { seed, ...options.score, ...evidence });
  const origin = unitOrigins(run.graph, candidates, small, slicing.places);
  const found = new Map<number, number>();
  for (const group of groups.groups) {
    if (group.kind !== (options.kind ?? "channels")) continue;
    group.units.forEach((unit, i) => {
      const own = origin(unit);
      if (own !== undefined) found.set(own, scores.get(group.id)![i]!);
    });
  }
  return scoresFrom(candidates, state.cut, (group, i) => found.get(group.units[i]!.id));
}

/** Which unit of the given graph a unit of the cut graph is: that which has its first weight in the same place. */
function unitOrigins(
  whole: Graph,
  candidates: readonly PruneGroup[],
  small: Graph,
  places: Places,
): (unit: PruneUnit) => number | undefined {
  const owners = new Map<number, Map<number, number>>();
  for (const group of candidates)
    for (const unit of group.units)
      for (const slice of unit.slices) {
        const key = sliceKey(slice);
        const own = owners.get(key) ?? new Map<number, number>();
        owners.set(key, own);
        for (const position of slice.positions) own.set(position, unit.id);
      }
  return (unit) => {
    for (const slice of unit.slices) {
      const position = placeInWhole(whole, small, slice, places);
      const owner = position === undefined ? undefined : owners.get(sliceKey(slice))?.get(position);
      if (owner !== undefined) return owner;
    }
    return undefined;
  };
}

/** Where the first position of a slice of the cut graph lies in the whole weight: row-major over the same axes. */
function placeInWhole(whole: Graph, small: Graph, slice: UnitSlice, places: Places): number | undefined {
  const at = places.get(slice.value);
  if (at === undefined) return whole.values.has(slice.value) ? slice.positions[0] : undefined;
  const [from, to] = [small, whole].map((graph) => valueById(graph, slice.value).type.shape as readonly number[]);
  const own = slice.axes.map((axis) => from![axis]!);
  const steps = stridesOf(own);
  const strides = stridesOf(from!);
  let flat = 0;
  slice.axes.forEach((axis, d) => {
    flat += (Math.floor(slice.positions[0]! / steps[d]!) % own[d]!) * strides[axis]!;
  });
  const target = at[flat]!;
  const wide = stridesOf(to!);
  return slice.axes.reduce((sum, axis) => sum * to![axis]! + (Math.floor(target / wide[axis]!) % to![axis]!), 0);
}
