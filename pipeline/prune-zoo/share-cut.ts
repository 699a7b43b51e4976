import { type Graph, type ValueId, valueById } from "../../src/ir/index.ts";
import {
  type Cut,
  chooseCut,
  keepCounts,
  type PruneGroup,
  type PruneGroups,
  scoreGroups,
} from "../../src/prune/index.ts";
import { DTYPES } from "../../src/tensor/index.ts";

/** A cut of channel groups, as near to a share of their units as they allow. */
export interface ShareCut {
  readonly cut: Cut;
  /** Share of units that stay. */
  readonly keep: number;
  readonly criterion: string;
}

/**
 * For each share, a cut that keeps it of all channel units: those with the lowest scores go, wherever they are. Where the groups' last units and grids leave
 * more than the share, the least that they allow.
 */
export function shareCuts(
  graph: Graph,
  groups: PruneGroups,
  channels: readonly PruneGroup[],
  shares: readonly number[],
): ShareCut[] {
  const units = channels.reduce((sum, { size }) => sum + size, 0);
  const least = channels.reduce((sum, group) => sum + keepCounts(group)[0]!, 0);
  const { scores, criterion } = scored(graph, groups);
  return shares.map((share) => {
    const keep = Math.max(share, least / units);
    const cut = least === units ? new Set<number>() : chooseCut(channels, scores, { keep, scope: "global" });
    return { cut, keep: 1 - cut.size / units, criterion };
  });
}

/** By magnitude; at random where weights are integers, as in quantised models, or where nothing of any group is a weight. */
function scored(graph: Graph, groups: PruneGroups): { scores: Map<number, Float64Array>; criterion: string } {
  const isReal = (value: ValueId) => DTYPES[valueById(graph, value).type.dtype].float;
  const weights = groups.groups.flatMap(({ members }) => members.filter(({ role }) => role !== "parameter"));
  if (weights.length === 0 || !weights.every(({ value }) => isReal(value)))
    return { scores: scoreGroups(graph, groups, "random"), criterion: "random" };
  return { scores: scoreGroups(graph, groups, "l1", { otherwise: "random" }), criterion: "l1" };
}
