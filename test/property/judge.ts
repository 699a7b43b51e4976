import fc from "fast-check";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { type Graph, printGraph } from "../../src/ir/index.ts";
import {
  chooseCut,
  compareCut,
  cutGraph,
  cutOf,
  cutShapes,
  findGroups,
  type Granularity,
  joinCuts,
  type PruneGroups,
  selectUnits,
} from "../../src/prune/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { float32, seededRandom, type Tensor } from "../../src/tensor/index.ts";
import { INPUT_CHANNELS, SIDE, type Step } from "./random-graph.ts";
import { KINDS, randomGraph } from "./random-graphs.ts";

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "disabled" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** A random graph and a random cut of it, as numbers that shrink. */
export interface Problem {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly heads: number;
  readonly cutSeed: number;
}

const step = fc.record({ kind: fc.nat(KINDS - 1), a: fc.nat(20), b: fc.nat(20), size: fc.nat(20) });
export const problem: fc.Arbitrary<Problem> = fc.noBias(
  fc.record({
    seed: fc.nat(1000),
    steps: fc.array(step, { minLength: 1, maxLength: 6, size: "max" }),
    heads: fc.nat(9),
    cutSeed: fc.nat(1000),
  }),
);

const isChosen = (seed: number) => seed % 5 === 4;

/** Some groups, those of rows, or both, each at random or all together by the choice that `chooseCut` makes. */
function randomCut(groups: PruneGroups, seed: number): Set<number> {
  const random = seededRandom(seed, "cut");
  const scores = new Map(groups.groups.map((group) => [group.id, Float64Array.from(group.units, () => random.next())]));
  const hasRows = groups.groups.some((group) => group.kind === "rows");
  if (isChosen(seed))
    return chosenCut(groups, scores, seed, hasRows ? (["channels", "rows", "both"] as const)[seed % 3]! : "channels");
  const kinds = hasRows ? [["channels"], ["rows"], ["channels", "rows"]][seed % 3]! : ["channels"];
  const candidates = groups.groups.filter((group) => kinds.includes(group.kind));
  const sure = random.below(Math.max(1, candidates.length));
  return joinCuts(
    candidates.flatMap((group, i) => {
      const keep = i === sure ? Math.ceil(group.size / 2) : 1 + random.below(group.size);
      if (i !== sure && random.next() < 0.3) return [];
      return [cutOf(group, selectUnits(group, scores.get(group.id)!, keep))];
    }),
  );
}

function chosenCut(
  groups: PruneGroups,
  scores: ReadonlyMap<number, Float64Array>,
  seed: number,
  granularity: Granularity,
): Set<number> {
  const keep = 0.2 + 0.7 * seededRandom(seed, "keep").next();
  try {
    return chooseCut(groups, scores, { keep, scope: seed % 2 === 0 ? "global" : "local", granularity });
  } catch (error) {
    // Small groups cannot always lose what was asked.
    if (error instanceof EspalierError && error.code === "budget") return new Set();
    throw error;
  }
}

/**
 * Whether a cut is refused, as one of several groups may be of which some are rows: together they may empty an axis that none empties alone. The choice
 * among one group's units, among channels, and any choice that `chooseCut` makes, must be legal.
 */
function isRefused(graph: Graph, groups: PruneGroups, cut: ReadonlySet<number>, chosen: boolean): boolean {
  try {
    cutShapes(graph, groups, cut);
    return false;
  } catch (error) {
    const kinds = groups.groups.flatMap(({ kind, units }) => (units.some((unit) => cut.has(unit.id)) ? [kind] : []));
    const mayBe = !chosen && kinds.length > 1 && kinds.includes("rows");
    if (mayBe && error instanceof EspalierError && error.code === "input") return true;
    throw error;
  }
}

function feeds(seed: number): { readonly x: Tensor } {
  const random = seededRandom(seed, "input");
  const shape = [2, INPUT_CHANNELS, SIDE, SIDE];
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    x: float32(
      shape,
      Array.from({ length: size }, () => random.normal()),
    ),
  };
}

/** The operators of nodes of which an input or output is smaller after a cut. */
function resized(graph: Graph, small: Graph): string[] {
  const sizes = new Map([...graph.values.values()].map((value) => [value.id, value.type.shape.join()]));
  const differs = (id: number | null) => id !== null && sizes.get(id) !== small.values.get(id)?.type.shape.join();
  const names = new Set(graph.nodes.map((node) => node.name));
  return small.nodes.flatMap((node) =>
    names.has(node.name) && [...node.inputs, ...node.outputs].some(differs) ? [node.op] : [],
  );
}

/** What a run saw. */
export class Tally {
  readonly drawn = new Map<string, number>();
  readonly cut = new Map<string, number>();
  graphs = 0;
  cuts = 0;
  refused = 0;
  changed = 0;
  nodes = 0;

  count(into: Map<string, number>, ops: readonly string[]): void {
    for (const op of new Set(ops)) into.set(op, (into.get(op) ?? 0) + 1);
  }
}

/** Cuts a random graph at random and compares; throws where the masked and the cut graph differ. `rewrite` is what cuts. */
export async function judge(
  { seed, steps, heads, cutSeed }: Problem,
  tally: Tally,
  rewrite: typeof cutGraph = cutGraph,
): Promise<void> {
  const graph = randomGraph(seed, steps, heads);
  const text = () => `\n${printGraph(graph)}`;
  tally.graphs++;
  tally.nodes += graph.nodes.length;
  tally.count(
    tally.drawn,
    graph.nodes.map((node) => node.op),
  );
  const groups = findGroups(graph, { allowNormStatistics: heads % 2 === 1 });
  const cut = randomCut(groups, cutSeed);
  if (cut.size === 0) return;
  if (isRefused(graph, groups, cut, isChosen(cutSeed))) {
    tally.refused++;
    return;
  }
  const inputs = feeds(seed);
  const original = await run(graph, inputs);
  for (const output of Object.values(original))
    if (!(output.data as Float32Array).every(Number.isFinite))
      throw new Error(`A construction is not bounded${text()}`);
  const small = rewrite(graph, groups, cut);
  const proof = await compareCut(graph, small, groups, cut, { run, inputs, original });
  tally.cuts++;
  tally.count(tally.cut, resized(graph, small));
  if (proof.effect > proof.tolerance) tally.changed++;
  if (!proof.pass) throw new Error(`The outputs differ by ${proof.maxAbs}, allowed are ${proof.tolerance}${text()}`);
}
