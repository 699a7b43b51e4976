import { invariant } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import type { ResolvedCut } from "../cut.ts";
import type { PruneGroups } from "../group-types.ts";
import type { Calibration } from "./calibration.ts";
import { collect } from "./collect.ts";
import { gramBytes } from "./gram.ts";
import { type ChangedLayer, changedLayers } from "./layers.ts";
import { type LinearLayer, linearLayer } from "./linear-layer.ts";
import { type RefitOptions, refit } from "./refit.ts";

/** What became of a layer that sums over cut units or lies behind one. */
export interface RecoveredLayer {
  readonly node: string;
  readonly op: string;
  /** Error of the layer's output relative to the original's, as root mean squares on samples that are held back; null where it was not measured. */
  readonly before: number | null;
  readonly after: number | null;
  /** Why its weights are those of the cut; absent where they were fitted. */
  readonly reason?: string;
}

/** What is fitted to what, and how. */
export interface FitWork {
  readonly original: Graph;
  readonly groups: PruneGroups;
  readonly cut: ResolvedCut;
  readonly calibration: Calibration;
  readonly sequential: boolean;
  /** Rows of a layer; default 8 for each feature, at least 4096. */
  readonly rows?: number;
  readonly memory: number;
  readonly seed: number;
  readonly threads: { readonly threads?: number };
  readonly refit: RefitOptions;
}

/** Fits layer after layer, or, where each sees the original's inputs, as many at a time as their sums have room for. */
export async function fitLayers(
  small: Graph,
  work: FitWork,
): Promise<{ readonly graph: Graph; readonly layers: readonly RecoveredLayer[] }> {
  const { original, groups, cut, calibration, sequential, memory, seed, threads } = work;
  const planned = changedLayers(original, small, groups, cut, sequential).map((changed) => within(changed, memory));
  let graph = small;
  const rows = new Map<string, RecoveredLayer>();
  for (let at = 0; at < planned.length; ) {
    const chunk = sequential ? planned.slice(at, at + 1) : chunkAt(planned, at, memory);
    at += chunk.length;
    const layers = chunk.flatMap(({ layer }) => (typeof layer === "string" ? [] : [layer]));
    const sums =
      layers.length === 0
        ? []
        : await collect(original, sequential ? graph : original, cut, layers, {
            calibration,
            rows: (layer) => work.rows ?? Math.max(4096, 8 * layer.features),
            seed,
            threads,
          });
    for (const { node, layer } of chunk) {
      if (typeof layer === "string") {
        rows.set(node.name, { node: node.name, op: node.op, before: null, after: null, reason: layer });
        continue;
      }
      const own = linearLayer(graph, graph.nodes.find(({ name }) => name === node.name)!);
      invariant(typeof own !== "string", `"${node.name}" was a linear layer`);
      const { graph: next, ...result } = refit(graph, own, sums[layers.indexOf(layer)]!, work.refit);
      graph = next;
      rows.set(node.name, { node: node.name, op: node.op, ...result });
    }
  }
  return { graph, layers: planned.map(({ node }) => rows.get(node.name)!) };
}

/** A layer whose sums have no room is left alone. */
function within(changed: ChangedLayer, memory: number): ChangedLayer {
  const { node, layer } = changed;
  if (typeof layer === "string" || layerBytes(layer) <= memory) return changed;
  return {
    node,
    layer: `the sums of its ${layer.features} features would take ${layerBytes(layer)} bytes, more than ${memory}`,
  };
}

/** Two sets of sums, and what solving one of them takes. */
function layerBytes({ groups, features, outputs }: LinearLayer): number {
  return 2 * groups * gramBytes(features, outputs) + gramBytes(features, outputs);
}

function chunkAt(planned: readonly ChangedLayer[], at: number, memory: number): ChangedLayer[] {
  let bytes = 0;
  let end = at;
  while (end < planned.length) {
    const { layer } = planned[end]!;
    bytes += typeof layer === "string" ? 0 : layerBytes(layer);
    if (end > at && bytes > memory) break;
    end++;
  }
  return planned.slice(at, end);
}
