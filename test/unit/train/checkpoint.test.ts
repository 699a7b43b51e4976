import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { hashGraph } from "../../../src/ir/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  shiftAndFlip,
  type TrainOptions,
  train,
} from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(48);

const everything: TrainOptions = {
  epochs: 3,
  batch: 8,
  accumulate: 2,
  threads: 1,
  seed: 4,
  optimiser: { kind: "adamw" },
  schedule: { kind: "one-cycle", rate: 0.01 },
  ema: 0.9,
  clip: { norm: 1 },
  mixUp: 0.2,
  augment: shiftAndFlip({ shift: 1 }),
  validation: { data: stripes(20, 8), metric: "loss" },
};

/** Runs until `stop` updates are made, then is cancelled; answers what was saved last, through bytes. */
async function stopped(options: TrainOptions, stop: number): Promise<Checkpoint> {
  let saved: Uint8Array | null = null;
  const controller = new AbortController();
  const run = train(tinyClassifier(), data, {
    ...options,
    signal: controller.signal,
    onProgress: ({ step }) => {
      if (step === stop) controller.abort();
    },
    checkpoint: {
      save: (checkpoint) => {
        saved = encodeCheckpoint(checkpoint);
      },
    },
  });
  await expect(run).rejects.toThrow(`Training was cancelled at step ${stop}`);
  return decodeCheckpoint(saved!);
}

describe("a run that is stopped and resumed", () => {
  it("gives the bytes and the history of one that was not, wherever it was stopped", async () => {
    const whole = await train(tinyClassifier(), data, everything);
    expect(whole.history).toHaveLength(3);
    for (const stop of [1, 3, 4, 8]) {
      const restore = await stopped(everything, stop);
      expect(restore.step).toBe(stop);
      const resumed = await train(tinyClassifier(), data, { ...everything, checkpoint: { save: () => {}, restore } });
      expect(hashGraph(resumed.graph), `stopped at ${stop}`).toBe(hashGraph(whole.graph));
      expect(resumed).toMatchObject({ history: whole.history, bestEpoch: whole.bestEpoch });
    }
  });

  it("gives the result at once when it was finished", async () => {
    let last: Checkpoint | null = null;
    const save = (checkpoint: Checkpoint) => {
      last = checkpoint;
    };
    const whole = await train(tinyClassifier(), data, { ...everything, checkpoint: { save } });
    const again = await train(tinyClassifier(), data, {
      ...everything,
      checkpoint: { save, restore: last! },
      onProgress: () => expect.unreachable(),
    });
    expect(hashGraph(again.graph)).toBe(hashGraph(whole.graph));
  });

  it("saves every so many updates too", async () => {
    const steps: number[] = [];
    await train(tinyClassifier(), data, {
      ...everything,
      checkpoint: { every: 2, save: ({ step }) => void steps.push(step) },
    });
    expect(steps).toEqual([2, 3, 4, 6, 8, 9]);
  });

  it("is refused with other options, data or models", async () => {
    const restore = await stopped(everything, 2);
    const resume = (options: TrainOptions, graph = tinyClassifier(), of = data) =>
      train(graph, of, { ...everything, ...options, checkpoint: { save: () => {}, restore, ...options.checkpoint } });
    const refusal = { code: "input", message: "The checkpoint is of another run: model, data or options differ" };
    await expect(resume({ seed: 5 })).rejects.toMatchObject(refusal);
    await expect(resume({ epochs: 4 })).rejects.toMatchObject(refusal);
    await expect(resume({ optimiser: { kind: "adam" } })).rejects.toMatchObject(refusal);
    await expect(resume({}, tinyClassifier(), stripes(50))).rejects.toMatchObject(refusal);
    await expect(resume({}, tinyClassifier(1, { softmax: true }))).resolves.toBeDefined();
    await expect(resume({ checkpoint: { save: () => {}, restore, identity: "flip" } })).rejects.toMatchObject(refusal);
  });
});

describe("a checkpoint file", () => {
  const checkpoint: Checkpoint = {
    fingerprint: "f",
    step: 3,
    sums: { steps: 1, loss: 0.1 + 0.2, hits: 7 },
    history: [{ epoch: 0, steps: 2, loss: 1 / 3, accuracy: null, validation: { loss: Number.NaN, accuracy: 0.5 } }],
    state: new Map([
      ["a", float32([2, 2], [1, -0, 3, Number.POSITIVE_INFINITY])],
      ["scalar", float32([], [5])],
    ]),
    best: { epoch: 1, validation: { loss: 2, accuracy: null }, constants: new Map([[7, float32([1], [1e-40])]]) },
    waited: 2,
  };

  it("reads back as it was written, to the bit", () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
    expect(decodeCheckpoint(encodeCheckpoint({ ...checkpoint, best: null })).best).toBeNull();
    expect(encodeCheckpoint(checkpoint)).toEqual(encodeCheckpoint(checkpoint));
  });

  it("that is damaged is refused, whatever is damaged", () => {
    const bytes = encodeCheckpoint(checkpoint);
    const random = seededRandom(3, "damage");
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const copy = bytes.slice(0, random.next() < 0.3 ? random.below(bytes.length) : bytes.length);
      for (let i = 0; i < 3 && copy.length > 0; i++) copy[random.below(copy.length)] = random.below(256);
      try {
        decodeCheckpoint(copy);
      } catch (error) {
        expect(error).toBeInstanceOf(EspalierError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(() => decodeCheckpoint(new Uint8Array(3))).toThrow("3 bytes");
    expect(() => decodeCheckpoint(bytes.slice(0, -1))).toThrow(/cut off/);
  });
});

describe("validation", () => {
  it("ends training when nothing got better for so long, and gives the best epoch's model", async () => {
    const options: TrainOptions = { epochs: 40, batch: 16, threads: 1, schedule: { kind: "constant", rate: 0.05 } };
    const validation = { data: stripes(32, 9), metric: "loss", patience: 2 } as const;
    const { graph, history, bestEpoch, stoppedEarly } = await train(tinyClassifier(), data, {
      ...options,
      validation: { ...validation, least: 0.02 },
    });
    expect(stoppedEarly).toBe(true);
    expect(history).toHaveLength(bestEpoch! + 1 + 2);
    const losses = history.map((record) => record.validation!.loss);
    expect(losses.slice(bestEpoch! + 1).every((loss) => loss > losses[bestEpoch!]! - 0.02)).toBe(true);
    // The same run, cut at the best epoch, has the same weights.
    const cut = await train(tinyClassifier(), data, { ...options, steps: 3 * (bestEpoch! + 1) });
    expect(hashGraph(graph)).toBe(hashGraph(cut.graph));
    const last = await train(tinyClassifier(), data, {
      ...options,
      validation: { ...validation, least: 0.02, keepBest: false },
    });
    expect(hashGraph(last.graph)).not.toBe(hashGraph(graph));
  });

  it("counts every sample, also those that do not fill a batch", async () => {
    const { history, graph } = await train(tinyClassifier(), data, {
      epochs: 1,
      batch: 16,
      threads: 1,
      validation: { data: stripes(251, 9) },
    });
    const { evaluate } = await import("../../../src/train/index.ts");
    const whole = await evaluate(graph, stripes(251, 9), { threads: 1 });
    expect(history[0]!.validation!.accuracy).toBeCloseTo(whole.accuracy, 10);
    expect(history[0]!.validation!.loss).toBeCloseTo(whole.loss, 5);
  });
});
