import { describe, expect, it } from "vitest";
import { hashGraph } from "../../../../src/ir/index.ts";
import { type PruneTrainingOptions, type PruningMethod, pruneWhileTraining } from "../../../../src/prune/index.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../../../src/train/index.ts";
import { judged, learned, settings, trainedClassifier } from "./tiny-run.ts";

/** With the update after which each is stopped: in the first part, and in a later one. */
const METHODS: readonly (readonly [PruningMethod, number])[] = [
  [{ kind: "gradual", rounds: 1 }, 15],
  [{ kind: "soft-masks" }, 3],
  [{ kind: "soft-masks" }, 15],
  [{ kind: "rewinding", rounds: 1 }, 14],
];

const optionsFor = (method: PruningMethod): PruneTrainingOptions => ({
  method,
  keep: 0.6,
  steps: 20,
  minimum: 3,
  validation: judged,
  train: { ...settings, optimiser: { kind: "adamw" } },
});

/** Runs until an update is made, then is cancelled; answers the last checkpoint of each part, through bytes. */
async function stoppedAt(options: PruneTrainingOptions, stop: number): Promise<Map<number, Checkpoint>> {
  const saved = new Map<number, Uint8Array>();
  const controller = new AbortController();
  const run = pruneWhileTraining(await trainedClassifier(), learned, {
    ...options,
    signal: controller.signal,
    onProgress: ({ step }) => {
      if (step === stop) controller.abort();
    },
    checkpoint: {
      save: (part, checkpoint) => {
        saved.set(part, encodeCheckpoint(checkpoint));
      },
    },
  });
  await expect(run).rejects.toThrow("Training was cancelled");
  return new Map([...saved].map(([part, bytes]) => [part, decodeCheckpoint(bytes)]));
}

describe("a pruning that is stopped and resumed", () => {
  it.each(METHODS.map(([method, stop]) => [method.kind, stop, method] as const))(
    "by %s after update %i gives the bytes of one that was not",
    async (_, stop, method) => {
      const options = optionsFor(method);
      const graph = await trainedClassifier();
      const whole = await pruneWhileTraining(graph, learned, options);
      const saved = await stoppedAt(options, stop);
      const made: number[] = [];
      const resumed = await pruneWhileTraining(graph, learned, {
        ...options,
        onProgress: ({ step }) => made.push(step),
        checkpoint: { save: () => {}, restore: (part) => saved.get(part) },
      });
      expect(made[0]).toBe(stop + 1);
      expect(hashGraph(resumed.graph)).toBe(hashGraph(whole.graph));
      expect([...resumed.cut]).toEqual([...whole.cut]);
      expect(resumed.history).toEqual(whole.history);
    },
  );

  it("is refused with another aim or method", async () => {
    const saved = await stoppedAt(optionsFor({ kind: "gradual", rounds: 2 }), 3);
    const restore = (part: number) => saved.get(part);
    for (const changes of [{ keep: 0.7 }, { method: { kind: "gradual", rounds: 3 } }] as const) {
      const options = { ...optionsFor({ kind: "gradual", rounds: 2 }), ...changes };
      const run = pruneWhileTraining(await trainedClassifier(), learned, {
        ...options,
        checkpoint: { save: () => {}, restore },
      });
      await expect(run).rejects.toThrow("The checkpoint is of another run");
    }
  });
});
