import { describe, expect, it } from "vitest";
import { type Graph, hashGraph, valueById } from "../../../../src/ir/index.ts";
import { editGraph, formula, newBuilder } from "../../../../src/ops/index.ts";
import {
  chooseCut,
  cutGraph,
  findGroups,
  largestDifference,
  maskGraph,
  scoreGroups,
} from "../../../../src/prune/index.ts";
import { planGates } from "../../../../src/prune/training/gate-plan.ts";
import { foldedGates, gatedGraph } from "../../../../src/prune/training/gates.ts";
import { restoredGraph, slicedGraph, slicingOf } from "../../../../src/prune/training/slicing.ts";
import { openGatesPenalty } from "../../../../src/prune/training/soft-masks.ts";
import { addThresholded, straightThrough } from "../../../../src/prune/training/structure-parameters.ts";
import { criterionScores } from "../../../../src/prune/training/unit-scores.ts";
import { runOnce } from "../../../../src/runtimes/index.ts";
import { float32, fromNumbers, seededRandom, type Tensor } from "../../../../src/tensor/index.ts";
import { addGradients, train } from "../../../../src/train/index.ts";
import { TOPOLOGIES } from "../../../topologies/index.ts";
import { constant, learned, runOf, settings, trainedClassifier } from "./tiny-run.ts";

function feedsOf(graph: Graph): Record<string, Tensor> {
  const random = seededRandom(2, graph.name);
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, type } = valueById(graph, id);
      const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
      const numbers = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        type.dtype === "float32" ? random.normal() : random.below(8),
      );
      return [name, fromNumbers(type.dtype, shape, numbers)];
    }),
  );
}

/** Residual additions, grouped convolutions, concatenations, squeeze and excitation, heads, packed projections, recurrence. */
const GRAPHS = [
  "resnet",
  "resnext",
  "densenet",
  "efficientnet",
  "shufflenet-v2",
  "vit",
  "llama-rotary-per-head",
  "lstm-classifier",
] as const;

describe.each(GRAPHS)("on %s", (name) => {
  const graph = TOPOLOGIES[name]!();
  const groups = findGroups(graph);
  const candidates = groups.groups.filter(({ kind }) => kind === "channels");
  const random = seededRandom(1, name);
  const scores = new Map(candidates.map((group) => [group.id, group.units.map(() => random.next())]));
  const cut = chooseCut(candidates, scores, { keep: 0.6, scope: "global" });

  it("gates of 0 are what cutting is, and fold into the weights", async () => {
    const plan = planGates(graph, groups, candidates);
    expect(plan.groups.length).toBeGreaterThanOrEqual(2);
    const units = plan.groups.flatMap((group) => group.units.map(({ id }) => id));
    const values = Float32Array.from(units, (id) => (cut.has(id) ? 0 : 1));
    const feeds = feedsOf(graph);
    const gated = gatedGraph(graph, plan, float32([plan.count], values), (f, gates) => f.mul(gates, f.number(1)));
    const found = await runOnce(gated.graph, feeds);
    const masked = await runOnce(maskGraph(graph, groups, new Set(units.filter((id) => cut.has(id)))), feeds);
    expect(largestDifference(found, masked)).toBe(0);
    expect(largestDifference(found, await runOnce(graph, feeds))).toBeGreaterThan(1e-6);
    const drawn = values.map(() => 0.5 + random.next());
    const some = gatedGraph(graph, plan, float32([plan.count], drawn), (f, gates) => f.mul(gates, f.number(1)));
    const folded = await runOnce(foldedGates(graph, plan, drawn), feeds);
    expect(largestDifference(await runOnce(some.graph, feeds), folded)).toBeLessThan(1e-4);
  });

  it("weights go into the cut graph and back", () => {
    const slicing = slicingOf(groups, cut);
    const small = slicedGraph(slicing, graph);
    expect(hashGraph(small)).toBe(hashGraph(cutGraph(graph, groups, cut)));
    expect(hashGraph(restoredGraph(slicing, graph, small))).toBe(hashGraph(graph));
  });

  it("scores of the cut graph are those of the units that they were", async () => {
    const run = runOf(graph, { criterion: "random", score: { normalisation: "none" } });
    const state = { whole: graph, cut, memory: new Map() };
    const found = await criterionScores(run, state);
    const small = cutGraph(graph, groups, cut);
    const own = scoreGroups(small, findGroups(small), "random", { normalisation: "none" });
    const expected = findGroups(small)
      .groups.filter(({ kind }) => kind === "channels")
      .flatMap(({ id }) => Array.from(own.get(id)!));
    const all = candidates.flatMap(({ id }) => Array.from(found.get(id)!));
    expect(all.filter((score) => score === Number.NEGATIVE_INFINITY)).toHaveLength(cut.size);
    expect(all.filter(Number.isFinite).sort()).toEqual(expected.sort());
  });
});

describe("scores of a cut graph", () => {
  it("are of the same weights as before where the cut did not touch them", async () => {
    const graph = await trainedClassifier();
    const run = runOf(graph, { criterion: "l1", score: { normalisation: "none", roles: ["out"] } });
    const [group] = run.candidates;
    const cut = new Set([group!.units[1]!.id, group!.units[4]!.id]);
    const whole = await criterionScores(run, { whole: graph, cut: new Set(), memory: new Map() });
    const after = await criterionScores(run, { whole: graph, cut, memory: new Map() });
    group!.units.forEach(({ id }, i) => {
      const expected = cut.has(id) ? Number.NEGATIVE_INFINITY : whole.get(group!.id)![i]!;
      expect(after.get(group!.id)![i]).toBeCloseTo(expected, 5);
    });
  });
});

describe("gates", () => {
  it("leave weights alone that something else reads too", () => {
    const b = newBuilder("tied");
    const random = seededRandom(1, "tied");
    const drawn = (...shape: number[]) =>
      float32(
        shape,
        Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => random.normal()),
      );
    const ids = b.input("ids", { dtype: "int64", shape: ["N"] });
    const table = b.constant("table", drawn(10, 6));
    const rows = b.node("Gather", [table, ids], { axis: 0 });
    b.output(b.node("Gemm", [rows, table], { transB: 1 }));
    const graph = b.build();
    const groups = findGroups(graph);
    expect(groups.groups).toHaveLength(1);
    expect(() => planGates(graph, groups, groups.groups)).toThrow("gates have no place");
  });

  it("that are thresholded pass gradients straight through", async () => {
    const b = newBuilder("threshold");
    const gates = b.input("gates", { dtype: "float32", shape: [4] });
    const output = addThresholded(formula(b, "gates"), gates, 0.5);
    b.output(output);
    const graph = b.build();
    const builder = editGraph(graph);
    const seed = builder.constant("seed", float32([4], [1, 2, 3, 4]));
    const [gradient] = addGradients(builder, output, [gates], { seed, composites: [straightThrough(builder, output)] });
    const name = builder.value(gradient!).name;
    builder.setOutputs([output, gradient!]);
    const results = await runOnce(builder.build(), { gates: float32([4], [-1, 0.5, -0.4, 0.6]) });
    expect(Array.from(results[graph.outputs.map((id) => valueById(graph, id).name)[0]!]!.data as Float32Array)).toEqual(
      [-1, 0, -0, Math.fround(0.6)],
    );
    expect(Array.from(results[name]!.data as Float32Array)).toEqual([1, 2, 3, 4]);
  });

  it("close under their penalty until as many are open as may be, and not without it", async () => {
    const graph = await trainedClassifier();
    const run = runOf(graph);
    const plan = planGates(graph, run.groups, run.candidates);
    const openAfter = async (strength: number, stay: number) => {
      const gated = gatedGraph(graph, plan, float32([plan.count], new Float32Array(plan.count).fill(0.6)), (f, gates) =>
        f.node("Sigmoid", [f.mul(gates, f.number(4))]),
      );
      const penalties = [openGatesPenalty(gated.name, "sigmoid", strength, stay)];
      const { graph: trained } = await train(gated.graph, learned, {
        ...settings,
        steps: 60,
        learned: gated.learned,
        penalties,
      });
      const gates = constant(trained, gated.name);
      return gates.reduce((sum, gate) => sum + 1 / (1 + Math.exp(-4 * gate)), 0);
    };
    const free = await openAfter(0, 10);
    const half = await openAfter(0.1, 10);
    const none = await openAfter(0.1, 0);
    expect(free).toBeGreaterThan(14);
    expect(half).toBeLessThan(12);
    expect(half).toBeGreaterThan(7);
    expect(none).toBeLessThan(half - 0.5);
  });
});
