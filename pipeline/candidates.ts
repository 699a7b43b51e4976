import { channelAlignment, type DeviceProfile } from "../src/cost/index.ts";
import type { Graph } from "../src/ir/index.ts";
import {
  cutGraph,
  cutShapes,
  cutToCounts,
  findBlocks,
  keepCounts,
  type PruneBlock,
  type PruneGroup,
  type PruneGroups,
  removeBlocks,
  withoutBlocks,
} from "../src/prune/index.ts";
import type { Assignment } from "../src/search/index.ts";
import type { Granularity, Target } from "../targets/index.ts";
import type { DeployConfig } from "./config.ts";

/** Importance of every unit of every group, by group name, in the order of the group's units. */
export type Scores = Readonly<Record<string, readonly number[]>>;

/** Multiple that kept channel counts should be of: the device's grain. */
export function grainOf(target: Target, profile: DeviceProfile): number {
  return Math.max(target.grain, channelAlignment(profile));
}

/** Most choices a group is given: finer steps cost evaluations and gain little. */
const MOST_CHOICES = 16;

/**
 * The numbers of units that a group may keep, falling: all of them, then legal counts on the grain down to the target's minimum, evenly thinned. Heads and
 * groups of convolutions are few and large: of them one may be left.
 */
export function choicesOf(group: PruneGroup, grain: number, least: number): number[] {
  const minimum = group.kind === "rows" ? 1 : Math.min(least, group.size);
  const legal = keepCounts(group, grain, minimum).reverse();
  const stride = Math.ceil((legal.length - 1) / MOST_CHOICES);
  return legal.filter((_, i) => i === 0 || (legal.length - 1 - i) % Math.max(1, stride) === 0);
}

const CHANNELS: readonly Granularity[] = ["channels"];

/** The groups that are cut: channels, whole rows (heads, groups of a convolution), or both; a choice of both is always legal (`cutToCounts`). */
export function cuttable(groups: PruneGroups, granularity = CHANNELS): PruneGroup[] {
  const wanted = { channels: granularity.includes("channels"), rows: granularity.includes("heads") };
  return groups.groups.filter((group) => wanted[group.kind] && group.size > 1);
}

/** What every candidate of a run shares. */
export function candidateOptions(graph: Graph, { target, profile, granularity }: DeployConfig): CandidateOptions {
  return { blocks: removable(graph, granularity), grain: grainOf(target, profile) };
}

/** The residual blocks that may be removed whole. */
export function removable(graph: Graph, granularity: readonly Granularity[]): PruneBlock[] {
  return granularity.includes("blocks") ? findBlocks(graph).filter(({ kind }) => kind === "residual") : [];
}

/** What else a candidate depends on: blocks that may be removed, and the grain for channels of groups that lose rows too. */
export interface CandidateOptions {
  readonly blocks?: readonly PruneBlock[];
  readonly grain?: number;
}

/** The units to remove so that each group keeps its number, least important first; a little more where the grain asks for it. */
export function cutFor(
  groups: PruneGroups,
  scores: Scores,
  kept: Assignment,
  { grain = 1 }: CandidateOptions = {},
): Set<number> {
  const counts = new Map(groups.groups.flatMap(({ id, name }) => (kept[name] === undefined ? [] : [[id, kept[name]]])));
  const byId = new Map(groups.groups.map(({ id, name }) => [id, scores[name]!]));
  return cutToCounts(groups, byId, counts, { alignment: grain });
}

/** The blocks that an assignment removes. */
export function removedBy(blocks: readonly PruneBlock[], kept: Assignment): PruneBlock[] {
  return blocks.filter(({ name }) => kept[name] === 0);
}

/** The graph in which each group keeps its number of units, without the blocks that are removed. */
export function candidate(
  graph: Graph,
  groups: PruneGroups,
  scores: Scores,
  kept: Assignment,
  options: CandidateOptions = {},
): Graph {
  const gone = cutFor(groups, scores, kept, options);
  return removeBlocks(gone.size === 0 ? graph : cutGraph(graph, groups, gone), removedBy(options.blocks ?? [], kept));
}

/** The same in shapes only, for costs: hundreds of these are weighed for each that is cut. */
export function candidateShapes(
  graph: Graph,
  groups: PruneGroups,
  scores: Scores,
  kept: Assignment,
  options: CandidateOptions = {},
): Graph {
  const gone = cutFor(groups, scores, kept, options);
  const removed = removedBy(options.blocks ?? [], kept);
  const cut = gone.size === 0 ? graph : cutShapes(graph, groups, gone);
  return removed.length === 0 ? cut : withoutBlocks(cut, removed);
}
