import type { Graph } from "../../src/ir/index.ts";
import {
  type Cut,
  type CutProof,
  compareCut,
  cutGraph,
  type PruneGroup,
  type PruneGroups,
  proveGroups,
} from "../../src/prune/index.ts";
import { exposing, innerValues } from "./inner-values.ts";
import { runPlain, type Tensors } from "./inputs.ts";
import { unrounded } from "./unrounded.ts";

const SEED = 1;

/** What is proved: a graph with its groups, on inputs that it takes. */
export interface Proving {
  readonly graph: Graph;
  readonly groups: PruneGroups;
  readonly inputs: Tensors;
  readonly original: Tensors;
}

/** Whether a proof says nothing: what the cut changes is below what is tolerated. */
export function isWeak({ effect, tolerance }: CutProof): boolean {
  return effect <= tolerance;
}

/** A proof, and by how much masked and cut differ where activations are rounded, if it holds only without. */
export interface ZooProof extends CutProof {
  readonly rounded: number | null;
}

/** Masked and cut on the outputs; where the cut does not show there, on values inside as well; of quantised graphs, where they differ, without rounding. */
export async function proveOne({ graph, groups, inputs, original }: Proving, cut: Cut): Promise<ZooProof> {
  const small = cutGraph(graph, groups, cut);
  const proof = await compareCut(graph, small, groups, cut, { run: runPlain, inputs, original });
  if (!proof.pass && isQuantised(graph))
    return { ...(await compareCut(graph, small, groups, cut, { run: runUnrounded, inputs })), rounded: proof.maxAbs };
  if (!isWeak(proof) || cut.size === 0) return { ...proof, rounded: null };
  const names = innerValues(graph, small);
  const run = (model: Graph, feeds: Tensors) => runPlain(exposing(model, names), feeds);
  return { ...(await compareCut(graph, small, groups, cut, { run, inputs })), rounded: null };
}

function isQuantised(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => op === "QuantizeLinear");
}

function runUnrounded(graph: Graph, feeds: Tensors): Promise<Tensors> {
  return runPlain(unrounded(graph), feeds);
}

/** A random half of each of some groups by itself, and what is wrong with them. */
export async function proveEach(
  { graph, groups, inputs }: Proving,
  some: readonly PruneGroup[],
): Promise<{ proofs: readonly CutProof[]; wrong: readonly string[] }> {
  const prove = (own: readonly PruneGroup[], run: typeof runPlain | typeof runUnrounded) =>
    own.length === 0 ? [] : proveGroups(graph, { ...groups, groups: own }, { run, inputs, seed: SEED });
  const first = await prove(some, runPlain);
  const again = first.filter(({ pass }) => !pass && isQuantised(graph)).map(({ group }) => group);
  const second = await prove(
    some.filter(({ id }) => again.includes(id)),
    runUnrounded,
  );
  const proofs = first.map((proof) => second.find(({ group }) => group === proof.group) ?? proof);
  return { proofs, wrong: proofs.filter(({ pass }) => !pass).map(differs) };
}

/** The groups that are wrong by themselves, where a cut of all of them is wrong. */
export async function culprits(proving: Proving, channels: readonly PruneGroup[]): Promise<readonly string[]> {
  const { wrong } = await proveEach(proving, channels);
  return wrong.length > 0 ? wrong : ["a cut of all groups is wrong, each group by itself is not"];
}

function differs({ name, maxAbs, tolerance }: CutProof & { readonly name: string }): string {
  return `group "${name}" differs by ${maxAbs.toExponential(1)}, ${tolerance.toExponential(1)} is allowed`;
}
