import { EspalierError } from "../diagnostics/index.ts";
import type { Graph } from "../ir/index.ts";
import { seededRandom, type Tensor, toNumbers } from "../tensor/index.ts";
import type { Cut, PruneGroups } from "./group-types.ts";
import { maskGraph } from "./mask-graph.ts";
import { cutGraph } from "./rewrite.ts";
import { cutOf, selectUnits } from "./selection.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** What a proof runs on, and how large a difference it allows. */
export interface ProofOptions {
  /** Runs a graph in a runtime: feeds and results by value name. */
  readonly run: (graph: Graph, feeds: Tensors) => Promise<Tensors>;
  readonly inputs: Tensors;
  /** Largest allowed difference; default: `defaultTolerance` of the masked outputs. */
  readonly tolerance?: number;
}

/** Whether a masked and a cut graph agree, in a runtime. */
export interface CutProof {
  /** Largest difference between the outputs of the masked original and of the cut graph. */
  readonly maxAbs: number;
  readonly tolerance: number;
  readonly pass: boolean;
  /** Largest difference between the outputs of the original and of the masked original: what the cut changes. */
  readonly effect: number;
}

/** 1e-4 of the largest output, at least 1e-4: sums of float32 in another order differ by far less, a wrong slice by far more. */
export function defaultTolerance(outputs: Tensors): number {
  let largest = 1;
  for (const output of Object.values(outputs))
    for (const value of toNumbers(output)) largest = Math.max(largest, Math.abs(value));
  return 1e-4 * largest;
}

/** Runs the masked original and the cut graph on the same inputs: both must compute the same. */
export async function proveCut(
  graph: Graph,
  groups: PruneGroups,
  cut: Cut,
  options: ProofOptions & { readonly original?: Tensors },
): Promise<CutProof> {
  return compareCut(graph, cutGraph(graph, groups, cut), groups, cut, options);
}

/** As `proveCut`, for a cut graph that was made (and perhaps stored) before. */
export async function compareCut(
  graph: Graph,
  cutResult: Graph,
  groups: PruneGroups,
  cut: Cut,
  options: ProofOptions & { readonly original?: Tensors },
): Promise<CutProof> {
  const { run, inputs } = options;
  const masked = await run(maskGraph(graph, groups, cut), inputs);
  const small = await run(cutResult, inputs);
  const original = options.original ?? (await run(graph, inputs));
  const tolerance = options.tolerance ?? defaultTolerance(masked);
  const maxAbs = largestDifference(masked, small);
  return { maxAbs, tolerance, pass: maxAbs <= tolerance, effect: largestDifference(original, masked) };
}

/** The largest absolute difference of two sets of outputs; infinity where a value is not a number on one side only. */
export function largestDifference(a: Tensors, b: Tensors): number {
  let largest = 0;
  for (const [name, left] of Object.entries(a)) {
    const right = b[name];
    if (right === undefined || right.data.length !== left.data.length)
      throw new EspalierError("internal", `internal: output "${name}" differs in size between the two graphs`);
    const [x, y] = [toNumbers(left), toNumbers(right)];
    for (let i = 0; i < x.length; i++) {
      const difference = Object.is(x[i], y[i]) ? 0 : Math.abs(x[i]! - y[i]!);
      largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
  }
  return largest;
}

/** The proof of one random cut of a group. */
export interface GroupProof extends CutProof {
  readonly group: number;
  readonly name: string;
  /** Units cut, of how many. */
  readonly cut: number;
  readonly size: number;
}

/** One random cut of every group, each proved; `keep` is the share of units to keep (default one half). */
export async function proveGroups(
  graph: Graph,
  groups: PruneGroups,
  options: ProofOptions & { readonly seed?: number; readonly keep?: number },
): Promise<GroupProof[]> {
  const original = await options.run(graph, options.inputs);
  const proofs: GroupProof[] = [];
  for (const group of groups.groups) {
    const random = seededRandom(options.seed ?? 0, `proof/${group.name}`);
    const scores = group.units.map(() => random.next());
    const cut = cutOf(group, selectUnits(group, scores, Math.ceil(group.size * (options.keep ?? 0.5))));
    const proof = await proveCut(graph, groups, cut, { ...options, original });
    proofs.push({ group: group.id, name: group.name, cut: cut.size, size: group.size, ...proof });
  }
  return proofs;
}
