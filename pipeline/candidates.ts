import { channelAlignment, type DeviceProfile } from "../src/cost/index.ts";
import type { Graph } from "../src/ir/index.ts";
import { cutGraph, cutShapes, keepCounts, type PruneGroup, type PruneGroups, selectUnits } from "../src/prune/index.ts";
import type { Assignment } from "../src/search/index.ts";
import type { Target } from "../targets/index.ts";

/** Importance of every unit of every group, by group name, in the order of the group's units. */
export type Scores = Readonly<Record<string, readonly number[]>>;

/** Multiple that kept channel counts should be of: the device's grain. */
export function grainOf(target: Target, profile: DeviceProfile): number {
  return Math.max(target.grain, channelAlignment(profile));
}

/** Most choices a group is given: finer steps cost evaluations and gain little. */
const MOST_CHOICES = 16;

/** The numbers of units that a group may keep, falling: all of them, then legal counts on the grain down to the target's minimum, evenly thinned. */
export function choicesOf(group: PruneGroup, grain: number, least: number): number[] {
  const legal = keepCounts(group, grain, Math.min(least, group.size)).reverse();
  const stride = Math.ceil((legal.length - 1) / MOST_CHOICES);
  return legal.filter((_, i) => i === 0 || (legal.length - 1 - i) % Math.max(1, stride) === 0);
}

/** The groups that are cut: channels; rows (heads, groups of a convolution) overlap with them and are left whole here. */
export function cuttable(groups: PruneGroups): PruneGroup[] {
  return groups.groups.filter((group) => group.kind === "channels" && group.size > 1);
}

/** The units to remove so that each group keeps its number, least important first. */
export function cutFor(groups: PruneGroups, scores: Scores, kept: Assignment): Set<number> {
  const gone = new Set<number>();
  for (const group of cuttable(groups)) {
    const count = kept[group.name];
    if (count === undefined || count >= group.size) continue;
    const stay = new Set(selectUnits(group, Float64Array.from(scores[group.name]!), count));
    for (const unit of group.units) if (!stay.has(unit.id)) gone.add(unit.id);
  }
  return gone;
}

/** The graph in which each group keeps its number of units. */
export function candidate(graph: Graph, groups: PruneGroups, scores: Scores, kept: Assignment): Graph {
  const gone = cutFor(groups, scores, kept);
  return gone.size === 0 ? graph : cutGraph(graph, groups, gone);
}

/** The same in shapes only, for costs: hundreds of these are weighed for each that is cut. */
export function candidateShapes(graph: Graph, groups: PruneGroups, scores: Scores, kept: Assignment): Graph {
  const gone = cutFor(groups, scores, kept);
  return gone.size === 0 ? graph : cutShapes(graph, groups, gone);
}
