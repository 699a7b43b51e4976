import { describe, expect, it } from "vitest";
import { type Graph, type ValueId, valueById } from "../../../../src/ir/index.ts";
import { editGraph, formula } from "../../../../src/ops/index.ts";
import { chooseCut, findGroups, type PruneGroup, pruneWhileTraining } from "../../../../src/prune/index.ts";
import { groupLassoPenalty, unitNorms } from "../../../../src/prune/training/group-lasso.ts";
import { squaresPenalty } from "../../../../src/prune/training/growing-regularisation.ts";
import { slimmingPenalty } from "../../../../src/prune/training/network-slimming.ts";
import { unitSizes, unitWeights } from "../../../../src/prune/training/unit-norms.ts";
import { unitVectors } from "../../../../src/prune/unit-vectors.ts";
import { runOnce } from "../../../../src/runtimes/index.ts";
import { float32, seededRandom, type Tensor } from "../../../../src/tensor/index.ts";
import { addGradients, type Penalty, train, trainableConstants } from "../../../../src/train/index.ts";
import { TOPOLOGIES } from "../../../topologies/index.ts";
import { draw } from "../draw.ts";
import { dense } from "../tiny.ts";
import { constant, learned, settings, trainedClassifier } from "./tiny-run.ts";

const channels = (graph: Graph) => findGroups(graph).groups.filter(({ kind }) => kind === "channels");

/** The penalty's value at some weights and its gradients there, from ONNX Runtime: weights are the inputs. */
async function evaluated(graph: Graph, penalty: Penalty, weights: ReadonlyMap<string, Tensor<"float32">>) {
  const builder = editGraph(graph);
  const inputs = new Map<string, ValueId>();
  for (const [name, { shape }] of weights) inputs.set(name, builder.input(`${name}.in`, { dtype: "float32", shape }));
  const value = penalty.add(formula(builder, "penalty"), {
    weight: (name) => inputs.get(name) ?? null,
    input: () => -1,
  });
  builder.setOutputs([value]);
  const alone = editGraph(builder.build());
  const names = [...inputs.keys()];
  const gradients = addGradients(
    alone,
    value,
    names.map((name) => inputs.get(name)!),
  );
  const found = gradients.flatMap((id, i) => (id === null ? [] : [[names[i]!, id] as const]));
  alone.setOutputs([value, ...new Set(found.map(([, id]) => id))]);
  const feeds = Object.fromEntries([...weights].map(([name, data]) => [`${name}.in`, data]));
  // Inputs of the network itself feed nothing here.
  for (const id of graph.inputs) {
    const { name, type } = valueById(graph, id);
    const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 1));
    feeds[name] = float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  }
  const results = await runOnce(alone.build(), feeds);
  const of = (id: ValueId) => results[alone.value(id).name]!.data as Float32Array;
  return { value: of(value)[0]!, gradients: new Map(found.map(([name, id]) => [name, of(id)])) };
}

function weightsOf(graph: Graph): Map<string, Tensor<"float32">> {
  return new Map(
    trainableConstants(graph).map((id) => [valueById(graph, id).name, valueById(graph, id).data as Tensor<"float32">]),
  );
}

/** sum of sqrt(elements) ||unit||, unit by unit from its own vectors. */
function lassoByHand(graph: Graph, groups: readonly PruneGroup[]): number {
  const trained = new Set(trainableConstants(graph));
  let total = 0;
  for (const group of groups) {
    const members = group.members.filter(({ value }) => trained.has(value));
    const vectors = members.map((member) => unitVectors(graph, group, member));
    for (let i = 0; i < group.size; i++) {
      const elements = vectors.flatMap((rows) => Array.from(rows[i]!));
      total += Math.sqrt(elements.length) * Math.sqrt(elements.reduce((sum, w) => sum + w * w, 0));
    }
  }
  return total;
}

/** The gradient in a random direction against central differences of the value by hand, in double precision. */
async function expectGradient(graph: Graph, penalty: Penalty, byHand: (graph: Graph) => number): Promise<void> {
  const weights = weightsOf(graph);
  const { value, gradients } = await evaluated(graph, penalty, weights);
  expect(value / byHand(graph)).toBeCloseTo(1, 4);
  const random = seededRandom(3, "direction");
  const directions = new Map(
    [...weights].map(([name, { data }]) => [name, Float64Array.from(data, () => random.normal())]),
  );
  const at = (h: number) => {
    const builder = editGraph(graph);
    for (const id of trainableConstants(graph)) {
      const { name, data } = valueById(graph, id);
      const direction = directions.get(name)!;
      const own = data as Tensor<"float32">;
      const moved = Float32Array.from(own.data, (w, i) => w + h * direction[i]!);
      builder.setConstant(id, float32(own.shape as readonly number[], moved));
    }
    return byHand(builder.build());
  };
  const expected = (at(1e-3) - at(-1e-3)) / 2e-3;
  let found = 0;
  for (const [name, gradient] of gradients)
    gradient.forEach((g, i) => {
      found += g * directions.get(name)![i]!;
    });
  expect(Math.abs(expected)).toBeGreaterThan(1e-3);
  expect(Math.abs(found - expected)).toBeLessThan(1e-3 * Math.max(1, Math.abs(expected)));
}

/** A flattened map, grouped convolutions, a concatenation, heads and recurrent weights: units with one position and with many. */
const GRAPHS = ["vgg", "resnext", "squeezenet", "vit", "lstm-classifier"] as const;

describe("group lasso over coupled units", () => {
  it.each(GRAPHS)("is the sum of the norms of %s, with its gradient", async (name) => {
    const graph = TOPOLOGIES[name]!();
    const groups = channels(graph);
    const penalty = groupLassoPenalty(graph, groups, 1);
    await expectGradient(graph, penalty, (at) => lassoByHand(at, groups));
  });

  it("has norms, sizes and a gradient of 0 for a unit of zeros", async () => {
    const graph = await trainedClassifier();
    const [group] = channels(graph);
    const weights = unitWeights(graph, group!);
    // First layer 1x3x3, depthwise 3x3, four scales and shifts, and twelve columns.
    expect([...new Set(unitSizes(group!, weights))]).toEqual([9 + 9 + 4 + 12]);
    const zeros = new Map(
      [...weightsOf(graph)].map(([name, { shape, data }]) => [name, float32(shape, new Float32Array(data.length))]),
    );
    const { value, gradients } = await evaluated(graph, groupLassoPenalty(graph, [group!], 1), zeros);
    expect(value).toBeLessThan(1e-3);
    for (const gradient of gradients.values()) for (const g of gradient) expect(g).toBe(0);
  });

  it("shrinks units more than training without it", async () => {
    const graph = await trainedClassifier();
    const groups = channels(graph);
    const run = async (strength: number) => {
      const penalties = [groupLassoPenalty(graph, groups, strength)];
      const { graph: trained } = await train(graph, learned, { ...settings, steps: 40, penalties });
      return groups.map(({ id }) => [...unitNorms(trained, groups).get(id)!].sort((a, b) => a - b));
    };
    const [free, bound] = [await run(0), await run(0.02)];
    free.forEach((norms, g) => {
      for (const quarter of [0, Math.floor(norms.length / 4)])
        expect(bound[g]![quarter]!).toBeLessThan(0.7 * norms[quarter]!);
    });
  });
});

describe("network slimming", () => {
  it("adds up the scales of batch normalisations, with its gradient", async () => {
    const graph = await trainedClassifier();
    const penalty = slimmingPenalty(graph, channels(graph), 1);
    const byHand = (at: Graph) =>
      ["first", "second", "third"]
        .flatMap((layer) => [...constant(at, `${layer}.bn.scale`)])
        .reduce((sum, scale) => sum + Math.abs(scale), 0);
    await expectGradient(graph, penalty, byHand);
  });

  it("shrinks the scales, and refuses a graph without any", async () => {
    const graph = await trainedClassifier();
    const run = async (strength: number) => {
      const penalties = [slimmingPenalty(graph, channels(graph), strength)];
      const { graph: trained } = await train(graph, learned, { ...settings, steps: 40, penalties });
      return constant(trained, "third.bn.scale").reduce((sum, scale) => sum + Math.abs(scale), 0);
    };
    expect(await run(0.05)).toBeLessThan(0.8 * (await run(0)));
    const plain = dense({ make: [[1], [2], [3]], read: [[1, 2, 3]] });
    const refused = pruneWhileTraining(plain, learned, { method: { kind: "network-slimming" }, keep: 0.5, steps: 2 });
    await expect(refused).rejects.toThrow("Network slimming shrinks scales of batch normalisations, there are none");
  });
});

describe("a method that sees some groups only", () => {
  const { input, conv, norm, head, node, done } = draw("half");
  const first = node("Relu", [norm(conv(input("N", 1, 8, 8), "a", 8), "a")]);
  const graph = done(head(node("Relu", [conv(first, "b", 8)]), 4));
  const run = (keep: number) =>
    pruneWhileTraining(graph, learned, { method: { kind: "network-slimming" }, keep, steps: 2, train: settings });

  it("takes from those what was asked of all", async () => {
    const { cut, groups } = await run(0.75);
    const left = groups.groups.map(({ name, units }) => [name, units.filter(({ id }) => !cut.has(id)).length]);
    expect(left).toEqual([
      ["a.w", 4],
      ["b.w", 8],
    ]);
  });

  it("refuses what they do not have", async () => {
    await expect(run(0.4)).rejects.toThrow("Asked to cut 9 of 16 units, network-slimming can act on 8 of them");
  });
});

describe("growing regularisation", () => {
  it("pulls at the chosen units alone, with its gradient", async () => {
    const graph = await trainedClassifier();
    const groups = channels(graph);
    const scores = new Map(groups.map((group) => [group.id, group.units.map((_, i) => i)]));
    const cut = chooseCut(groups, scores, { keep: 0.5, scope: "local" });
    const penalty = squaresPenalty(graph, groups, cut, 1);
    const halves = (at: Graph) =>
      groups
        .flatMap((group) =>
          group.units.map(({ id }, i) => (cut.has(id) ? 0.5 * unitNorms(at, groups).get(group.id)![i]! ** 2 : 0)),
        )
        .reduce((a, b) => a + b, 0);
    await expectGradient(graph, penalty, halves);
    const norms = unitNorms(graph, groups);
    const grown = {
      ...settings,
      steps: 60,
      penalties: [squaresPenalty(graph, groups, cut, (step) => Math.min(1, step / 30))],
    };
    const { graph: trained } = await train(graph, learned, grown);
    const after = unitNorms(trained, groups);
    for (const group of groups)
      group.units.forEach(({ id }, i) => {
        const left = after.get(group.id)![i]! / norms.get(group.id)![i]!;
        if (cut.has(id)) expect(left).toBeLessThan(0.05);
        else expect(left).toBeGreaterThan(0.3);
      });
  });
});
