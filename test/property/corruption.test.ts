import { describe, expect, it } from "vitest";
import { type Graph, type ValueId, valueById } from "../../src/ir/index.ts";
import { editGraph } from "../../src/ops/index.ts";
import { compareCut, cutGraph, findGroups } from "../../src/prune/index.ts";
import {
  DTYPES,
  fromNumbers,
  type Random,
  seededRandom,
  type Tensor,
  takeAlong,
  toNumbers,
} from "../../src/tensor/index.ts";
import { TOPOLOGIES } from "../topologies/index.ts";
import { feedsOf, globalCut, runOnce } from "../topologies/prune-global.ts";

/** A weight that a cut made smaller, with the axis on which it did. */
interface Slice {
  readonly value: ValueId;
  readonly axis: number;
}

/** The float weights of which a cut left less, and at least two positions, if they are not the same number everywhere. */
function slicesOf(graph: Graph, small: Graph): Slice[] {
  return [...small.values.values()].flatMap((value) => {
    if (value.data === undefined || !DTYPES[value.data.dtype].float || !graph.values.has(value.id)) return [];
    if (new Set(toNumbers(value.data)).size === 1) return [];
    const before = valueById(graph, value.id).type.shape;
    return value.data.shape.flatMap((size, axis) =>
      size > 1 && size !== before[axis] ? [{ value: value.id, axis }] : [],
    );
  });
}

/** What a wrong rewrite would do to the slice of a weight. */
const corruptions: readonly (readonly [string, (t: Tensor, axis: number, random: Random) => Tensor])[] = [
  [
    "an element is another",
    (t, _, random) => {
      const values = Array.from(toNumbers(t));
      values[random.below(values.length)]! += 1;
      return fromNumbers(t.dtype, t.shape, values);
    },
  ],
  [
    "two positions are exchanged",
    (t, axis) => {
      const order = Array.from({ length: t.shape[axis]! }, (_, i) => i);
      [order[0], order[1]] = [1, 0];
      return takeAlong(t, axis, order);
    },
  ],
  [
    "positions are off by one",
    (t, axis) => {
      const size = t.shape[axis]!;
      const order = Array.from({ length: size }, (_, i) => (i + 1) % size);
      return takeAlong(t, axis, order);
    },
  ],
];

/** Slices that are corrupted in each way. */
const TRIALS = 4;

describe("a slice that is wrong is caught", () => {
  it.each(Object.keys(TOPOLOGIES))("in %s", { timeout: 60_000 }, async (name) => {
    const graph = TOPOLOGIES[name]!();
    const groups = findGroups(graph);
    const cut = globalCut(graph, groups, 0.3);
    const small = cutGraph(graph, groups, cut);
    const inputs = feedsOf(graph);
    const original = await runOnce(graph, inputs);
    const largest = Math.max(...Object.values(original).flatMap((output) => Array.from(toNumbers(output), Math.abs)));
    const options = { run: runOnce, inputs, original, tolerance: 1e-5 * largest };
    expect((await compareCut(graph, small, groups, cut, options)).pass).toBe(true);
    const slices = slicesOf(graph, small);
    const random = seededRandom(5, name);
    for (const [what, corrupt] of corruptions) {
      const missed: string[] = [];
      for (let trial = 0; trial < TRIALS; trial++) {
        const { value, axis } = slices[random.below(slices.length)]!;
        const builder = editGraph(small);
        const own = valueById(small, value);
        builder.setConstant(value, corrupt(own.data!, axis, random));
        const proof = await compareCut(graph, builder.build(), groups, cut, options);
        if (proof.pass) missed.push(`${own.name}, axis ${axis}: ${proof.maxAbs} within ${proof.tolerance}`);
      }
      // A unit may be silent on these inputs (a rectifier that is closed): what is wrong with it shows nowhere.
      expect(missed.length, `${what}: ${missed.join("; ")}`).toBeLessThanOrEqual(TRIALS / 2);
    }
  });
});
