import { describe, expect, it } from "vitest";
import { hashGraph } from "../../../../src/ir/index.ts";
import { cutGraph, findGroups, pruneWhileTraining } from "../../../../src/prune/index.ts";
import { cubicSparsity } from "../../../../src/prune/training/gradual.ts";
import { growingFactor } from "../../../../src/prune/training/growing-regularisation.ts";
import { evaluate, train } from "../../../../src/train/index.ts";
import { judged, learned, settings, trainedClassifier } from "./tiny-run.ts";

describe("the cubic schedule", () => {
  it("has the values of the formula", () => {
    expect(cubicSparsity(0, 0.1, 0.9)).toBeCloseTo(0.1, 12);
    expect(cubicSparsity(0.25, 0.1, 0.9)).toBeCloseTo(0.9 - 0.8 * 0.421875, 12);
    expect(cubicSparsity(0.5, 0, 0.8)).toBeCloseTo(0.7, 12);
    expect(cubicSparsity(1, 0.1, 0.9)).toBe(0.9);
    expect([cubicSparsity(-1, 0.1, 0.9), cubicSparsity(2, 0.1, 0.9)]).toEqual([cubicSparsity(0, 0.1, 0.9), 0.9]);
  });

  it("is what the rounds follow", async () => {
    const graph = await trainedClassifier();
    const { history } = await pruneWhileTraining(graph, learned, {
      method: { kind: "gradual", rounds: 4, from: 0.1, to: 0.5 },
      keep: 0.4,
      steps: 40,
      minimum: 2,
      train: settings,
    });
    const kept = [0, 1, 2, 3, 4].map((round) => Math.ceil(20 * (1 - 0.6 * cubicSparsity(round / 4, 0, 1)) - 1e-9));
    expect(history.map((round) => round.kept)).toEqual([20, ...kept]);
    expect(history.map(({ phase }) => phase)).toEqual(["train", ...Array(4).fill("sparsify"), "finetune"]);
    expect(history.map(({ steps }) => steps)).toEqual([4, 4, 4, 4, 4, 20]);
  });
});

describe("the growing factor", () => {
  it("grows every so many updates up to the ceiling", () => {
    const at = [0, 4, 5, 9, 10, 50].map((step) => growingFactor(step, 0.3, 5, 1));
    expect(at).toEqual([0, 0, 0.3, 0.3, 0.6, 1]);
  });
});

describe("rewinding", () => {
  const plain = { ...settings, optimiser: { kind: "sgd", momentum: 0 } } as const;

  it("trains the slices of the early weights over their part of the schedule", async () => {
    const graph = await trainedClassifier();
    // One round and half way back: 12 + (12 - 6) = 18 updates.
    const result = await pruneWhileTraining(graph, learned, {
      method: { kind: "rewinding", rounds: 1, to: 0.5 },
      keep: 0.6,
      steps: 18,
      minimum: 2,
      train: plain,
    });
    expect(result.history.map(({ phase, steps }) => [phase, steps])).toEqual([
      ["train", 6],
      ["sparsify", 6],
      ["finetune", 6],
    ]);
    const early = await train(graph, learned, { ...plain, steps: 12, segment: { from: 0, to: 6 } });
    const ticket = cutGraph(early.graph, findGroups(early.graph), result.cut);
    const again = await train(ticket, learned, { ...plain, steps: 12, segment: { from: 6, to: 12 } });
    expect(hashGraph(again.graph)).toBe(hashGraph(result.graph));
  });

  it("of the rate goes on with the trained weights", async () => {
    const graph = await trainedClassifier();
    const result = await pruneWhileTraining(graph, learned, {
      method: { kind: "rewinding", rounds: 1, to: 0.5, rewind: "rate" },
      keep: 0.6,
      steps: 18,
      minimum: 2,
      train: plain,
    });
    const late = await train(graph, learned, { ...plain, steps: 12 });
    const ticket = cutGraph(late.graph, findGroups(late.graph), result.cut);
    const again = await train(ticket, learned, { ...plain, steps: 12, segment: { from: 6, to: 12 } });
    expect(hashGraph(again.graph)).toBe(hashGraph(result.graph));
  });
});

describe("adaptive pruning", () => {
  it("takes back what costs too much, cuts less, and never ends below what is allowed", async () => {
    const graph = await trainedClassifier();
    const drop = 0.02;
    const before = (await evaluate(graph, judged, { threads: 1 })).accuracy;
    const result = await pruneWhileTraining(graph, learned, {
      method: { kind: "adaptive", drop, step: 0.8, smallest: 0.04, rounds: 10 },
      steps: 40,
      train: settings,
      validation: judged,
    });
    const rounds = result.history.filter(({ phase }) => phase === "sparsify");
    expect(rounds.some(({ accepted }) => !accepted)).toBe(true);
    expect(rounds.some(({ accepted }) => accepted)).toBe(true);
    for (const { accepted, accuracy } of rounds) expect(accuracy! >= before - drop).toBe(accepted);
    const { kept } = rounds.findLast(({ accepted }) => accepted)!;
    expect(result.cut.size).toBe(20 - kept);
    expect(kept).toBeLessThan(20);
    const { accuracy } = await evaluate(result.graph, judged, { threads: 1 });
    expect(accuracy).toBeGreaterThanOrEqual(before - drop);
  });

  it("says what it reached when the accuracy does not allow what was asked", async () => {
    const run = pruneWhileTraining(await trainedClassifier(), learned, {
      method: { kind: "adaptive", drop: 0, step: 0.5, smallest: 0.3, rounds: 8 },
      keep: 0.1,
      steps: 8,
      train: settings,
      validation: judged,
    });
    await expect(run).rejects.toThrow(
      /^Asked to keep 10\.0 % of 20 units; with an accuracy of at least \d\.\d+, \d+ units stayed when/,
    );
  });
});
