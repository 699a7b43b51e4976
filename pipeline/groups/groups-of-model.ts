import type { Graph } from "../../src/ir/index.ts";
import { findGroups, type PruneGroups } from "../../src/prune/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { canonicalGraph } from "../canonical-graph.ts";
import { type InputSettings, readModel } from "../model-file.ts";
import type { ModelFormat } from "../model-format.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { type FrozenFact, frozenFacts } from "./frozen-facts.ts";
import { type GroupFact, groupFacts } from "./group-facts.ts";

/** What `espalier groups --json` prints: fields are only ever added while `schema` stays the same. */
export interface GroupsOfModel {
  readonly schema: 1;
  readonly file: string;
  readonly format: ModelFormat;
  readonly sha256: string;
  /** Numbers in weights, and how many of them lie in a group. */
  readonly parameters: Coverage;
  /** Multiply-accumulates of one sample. */
  readonly macs: number;
  readonly groups: readonly GroupFact[];
  readonly frozen: readonly FrozenFact[];
}

/** A model with its groups, as they are in memory. */
export interface GroupedModel {
  readonly file: string;
  readonly format: ModelFormat;
  readonly sha256: string;
  readonly graph: Graph;
  readonly groups: PruneGroups;
}

/** Reads a model and finds its groups. Throws EspalierError when it cannot be read. */
export async function readGroups(file: string, settings: InputSettings = {}): Promise<GroupedModel> {
  const model = await readModel(file, settings);
  const graph = canonicalGraph(model.graph);
  return { file, format: model.format, sha256: model.sha256, graph, groups: findGroups(graph) };
}

/** Everything about a model's groups. */
export function groupsOfModel({ file, format, sha256, graph, groups }: GroupedModel): GroupsOfModel {
  return {
    schema: 1,
    file,
    format,
    sha256,
    parameters: coverageOf(graph, groups),
    macs: totalMacs(graph),
    groups: groupFacts(graph, groups),
    frozen: frozenFacts(graph, groups),
  };
}
