import { describe, expect, it } from "vitest";
import { hashGraph } from "../../../../src/ir/index.ts";
import { macsOf } from "../../../../src/ops/index.ts";
import {
  type Cut,
  cutGraph,
  cutShapes,
  findGroups,
  PRUNING_METHODS,
  type PruneProgress,
  type PruningMethod,
  pruneWhileTraining,
} from "../../../../src/prune/index.ts";
import { evaluate } from "../../../../src/train/index.ts";
import { expectProved, judged, learned, settings, trainedClassifier } from "./tiny-run.ts";

const METHODS: readonly PruningMethod[] = [
  { kind: "one-shot" },
  { kind: "one-shot", at: 0.25 },
  { kind: "gradual", rounds: 3 },
  { kind: "group-lasso" },
  { kind: "network-slimming" },
  { kind: "growing-regularisation" },
  { kind: "soft-masks" },
  { kind: "soft-masks", gate: "sigmoid" },
  { kind: "structure-parameters", rounds: 3 },
  { kind: "rewinding", rounds: 2 },
  { kind: "rewinding", rounds: 2, rewind: "rate" },
  { kind: "adaptive", drop: 0.3, step: 0.2, rounds: 5 },
];

const options = { keep: 0.6, steps: 40, minimum: 4, train: settings, validation: judged } as const;
const textOf = (method: PruningMethod) => JSON.stringify(method);

describe("pruning while training", () => {
  it("knows every method that is tested here, and no other", () => {
    expect(new Set(METHODS.map(({ kind }) => kind))).toEqual(new Set(PRUNING_METHODS));
  });

  it.each(METHODS.map((method) => [textOf(method), method] as const))(
    "by %s ends in a physical cut",
    async (_, method) => {
      const graph = await trainedClassifier();
      const before = hashGraph(graph);
      const result = await pruneWhileTraining(graph, learned, { ...options, method });
      expect(hashGraph(graph)).toBe(before);
      // 20 units in two groups: at most 12 stay, at least 4 in each.
      expect(result.cut.size).toBe(8);
      const groups = findGroups(graph);
      for (const group of groups.groups)
        expect(group.units.filter(({ id }) => !result.cut.has(id)).length).toBeGreaterThanOrEqual(4);
      expect(hashGraph(cutGraph(result.trained, result.groups, result.cut))).toBe(hashGraph(result.graph));
      expect(findGroups(result.graph).groups.reduce((sum, { size }) => sum + size, 0)).toBe(12);
      expect(result.history.reduce((sum, { steps }) => sum + steps, 0)).toBeLessThanOrEqual(40);
      expect(result.history.reduce((sum, { steps }) => sum + steps, 0)).toBeGreaterThan(35);
      expect(result.history.at(-1)!.kept).toBe(12);
      await expectProved(result);
      const { accuracy } = await evaluate(result.graph, judged, { threads: 1 });
      expect(accuracy).toBe(result.history.findLast(({ accepted }) => accepted)!.accuracy);
      // Chance is 0.25.
      expect(accuracy).toBeGreaterThan(0.6);
    },
  );

  const drawn: PruningMethod[] = [{ kind: "soft-masks" }, { kind: "gradual", rounds: 2 }];
  it.each(drawn.map((method) => [method.kind, method] as const))(
    "by %s gives the same bytes for the same seed",
    async (_, method) => {
      const graph = await trainedClassifier();
      const run = async (seed: number) => {
        const { validation: _judged, ...rest } = options;
        const result = await pruneWhileTraining(graph, learned, {
          ...rest,
          steps: 16,
          method,
          seed,
          criterion: "taylor",
        });
        return { hash: hashGraph(result.graph), cut: [...result.cut], history: result.history };
      };
      const first = await run(1);
      expect(await run(1)).toEqual(first);
      expect((await run(2)).hash).not.toBe(first.hash);
    },
  );

  it("keeps a cost within its limit", async () => {
    const graph = await trainedClassifier();
    const macs = (of: typeof graph) => of.nodes.reduce((sum, node) => sum + macsOf(of, node), 0);
    const groups = findGroups(graph);
    const cost = (cut: Cut) => macs(cut.size === 0 ? graph : cutShapes(graph, groups, cut));
    const limit = Math.floor(0.5 * macs(graph));
    for (const method of [{ kind: "gradual", rounds: 2 }, { kind: "soft-masks" }] as const) {
      const within = { cost, limit, what: "MACs" };
      const result = await pruneWhileTraining(graph, learned, { method, within, steps: 12, train: settings });
      expect(macs(result.graph)).toBeLessThanOrEqual(limit);
      expect(macs(result.graph)).toBeGreaterThan(0.7 * limit);
      await expectProved(result);
    }
  });

  it("stops when it is told to, also between two rounds", async () => {
    const graph = await trainedClassifier();
    const controller = new AbortController();
    const seen: PruneProgress[] = [];
    const run = pruneWhileTraining(graph, learned, {
      ...options,
      method: { kind: "gradual", rounds: 3 },
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.step === 16) controller.abort();
      },
    });
    await expect(run).rejects.toThrow("Training was cancelled at step 16");
    expect(seen.map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(seen.every(({ steps }) => steps === 40)).toBe(true);
  });

  it("prunes local shares and aligned widths", async () => {
    const graph = await trainedClassifier();
    const method = { kind: "one-shot" } as const;
    const local = await pruneWhileTraining(graph, learned, {
      method,
      keep: 0.5,
      scope: "local",
      steps: 2,
      train: settings,
    });
    expect(findGroups(local.graph).groups.map(({ size }) => size)).toEqual([4, 6]);
    const aligned = await pruneWhileTraining(graph, learned, {
      method,
      keep: 0.7,
      alignment: 4,
      steps: 2,
      train: settings,
    });
    expect(findGroups(aligned.graph).groups.every(({ size }) => size % 4 === 0)).toBe(true);
  });
});

describe("what cannot be", () => {
  const refused = async (changes: object) =>
    expect(
      pruneWhileTraining(await trainedClassifier(), learned, {
        method: { kind: "one-shot" },
        keep: 0.5,
        steps: 4,
        train: settings,
        ...changes,
      }),
    ).rejects;

  it("is refused: aims", async () => {
    await (await refused({ keep: undefined })).toThrow("How much stays is said nowhere");
    await (await refused({ within: { cost: () => 1, limit: 1, what: "MACs" } })).toThrow("twice");
    await (await refused({ keep: 0 })).toThrow("above 0");
    await (await refused({ keep: 0.2, minimum: 6 })).toThrow("Asked to keep 4 of 20 units");
    await (await refused({ keep: undefined, within: { cost: () => 10, limit: 1, what: "MACs" } })).toThrow(
      "at most 1 MACs",
    );
  });

  it("is refused: methods and their settings", async () => {
    await (await refused({ method: { kind: "one-shoot" } })).toThrow('no pruning method "one-shoot"');
    await (await refused({ method: { kind: "gradual", from: 0.7, to: 0.2 } })).toThrow("gradual schedule");
    await (await refused({ method: { kind: "group-lasso", share: 0 } })).toThrow("A share of 0 of the run");
    await (await refused({ method: { kind: "growing-regularisation", every: 0 } })).toThrow("cannot grow");
    await (await refused({ method: { kind: "rewinding", to: 1 } })).toThrow("goes back to 1");
    await (await refused({ method: { kind: "soft-masks", gate: "open" } })).toThrow('no gates of kind "open"');
    await (await refused({ method: { kind: "structure-parameters", rounds: 0 } })).toThrow("0 times");
    await (await refused({ method: { kind: "adaptive" } })).toThrow("validation samples");
    await (await refused({ kind: "rows" })).toThrow("no groups of kind rows");
  });
});
