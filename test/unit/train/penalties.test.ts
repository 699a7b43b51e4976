import { describe, expect, it } from "vitest";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { type Checkpoint, type Penalty, type TrainOptions, train } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(64);
const plain = {
  steps: 1,
  batch: 16,
  threads: 1,
  optimiser: { kind: "sgd", momentum: 0, weightDecay: 0 },
  schedule: { kind: "constant", rate: 1 },
} as const satisfies TrainOptions;

function constant(graph: Graph, name: string): Float32Array {
  return [...graph.values.values()].find((value) => value.name === name)!.data!.data as Float32Array;
}

/** sum of sqrt(1 + w^2) over a weight: smooth, and of a gradient that is not the weight itself. */
const smooth = (name: string, strength: Penalty["strength"]): Penalty => ({
  name: "smooth",
  strength,
  add: (f, { weight }) => {
    const w = weight(name)!;
    const roots = f.node("Sqrt", [f.add(f.mul(w, w), f.number(1))]);
    return f.sum(
      roots,
      f.shape(w).map((_, axis) => axis),
      false,
    );
  },
});
const smoothValue = (w: ArrayLike<number>) => Array.from(w).reduce((sum, x) => sum + Math.sqrt(1 + x * x), 0);

describe("a penalty", () => {
  it("adds strength x its gradient to an update, and its value to the loss", async () => {
    const graph = tinyClassifier();
    const name = "third.weight";
    const [without, penalised] = await Promise.all([
      train(graph, data, plain),
      train(graph, data, { ...plain, penalties: [smooth(name, 0.25)] }),
    ]);
    const w = constant(graph, name);
    const [a, b] = [constant(without.graph, name), constant(penalised.graph, name)];
    const random = seededRandom(1, "direction");
    const direction = Array.from(w, () => random.normal());
    const at = (h: number) => smoothValue(Array.from(w, (x, i) => x + h * direction[i]!));
    const expected = (at(1e-3) - at(-1e-3)) / 2e-3;
    const found = direction.reduce((sum, d, i) => sum + (d * (a[i]! - b[i]!)) / 0.25, 0);
    expect(found).toBeCloseTo(expected, 3);
    expect(penalised.history[0]!.loss - without.history[0]!.loss).toBeCloseTo(0.25 * smoothValue(w), 3);
    expect(constant(penalised.graph, "first.weight")).toEqual(constant(without.graph, "first.weight"));
  });

  it("has at each update the strength that it then has", async () => {
    const strength = (step: number, steps: number) => (10 * step) / steps;
    const options = { ...plain, steps: 4, schedule: { kind: "constant", rate: 1e-9 } } as const;
    const losses = async (penalties: Penalty[]) => {
      const own: number[] = [];
      await train(tinyClassifier(), data, { ...options, penalties, onProgress: ({ loss }) => own.push(loss) });
      return own;
    };
    const [zero, rising] = [
      await losses([smooth("third.weight", 0)]),
      await losses([smooth("third.weight", strength)]),
    ];
    const value = smoothValue(constant(tinyClassifier(), "third.weight"));
    zero.forEach((loss, step) => {
      expect((rising[step]! - loss) / value).toBeCloseTo(2.5 * step, 3);
    });
  });

  it("pulls as much where an update takes several batches", async () => {
    const pull = async (accumulate: number) => {
      const options = { ...plain, accumulate };
      const [free, bound] = await Promise.all(
        [[], [smooth("third.weight", 0.5)]].map((penalties) =>
          train(tinyClassifier(), data, { ...options, penalties }),
        ),
      );
      const [a, b] = [free!, bound!].map(({ graph }) => constant(graph, "third.weight"));
      return Array.from(a!, (value, i) => value - b![i]!);
    };
    const [once, twice] = [await pull(1), await pull(2)];
    expect(Math.max(...once.map(Math.abs))).toBeGreaterThan(0.1);
    once.forEach((value, i) => {
      expect(twice[i]).toBeCloseTo(value, 5);
    });
  });

  it("of a changing strength resumes to the same bytes, and another strength is another run", async () => {
    const options = (factor: number): TrainOptions => ({
      ...plain,
      steps: 6,
      schedule: { kind: "constant", rate: 0.01 },
      optimiser: { kind: "adam" },
      penalties: [smooth("third.weight", (step) => factor * step)],
      stepInputs: [{ name: "unused", shape: [2], at: (step) => [step, -step] }],
    });
    const whole = await train(tinyClassifier(), data, options(0.1));
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => {
      saved.push(checkpoint);
    };
    await train(tinyClassifier(), data, { ...options(0.1), checkpoint: { save, every: 3 } });
    const restore = saved.find(({ step }) => step === 3)!;
    const resumed = await train(tinyClassifier(), data, { ...options(0.1), checkpoint: { save: () => {}, restore } });
    expect(hashGraph(resumed.graph)).toBe(hashGraph(whole.graph));
    await expect(
      train(tinyClassifier(), data, { ...options(0.2), checkpoint: { save: () => {}, restore } }),
    ).rejects.toThrow("of another run");
  });

  it("that is none is refused", async () => {
    const refused = (options: Partial<TrainOptions>) =>
      expect(train(tinyClassifier(), data, { ...plain, ...options })).rejects;
    await refused({ penalties: [smooth("third.weight", -1)] }).toThrow('The penalty "smooth" has strength -1');
    await refused({ penalties: [smooth("third.weight", () => Number.NaN)] }).toThrow("takes 1 number");
    await refused({ penalties: [{ ...smooth("", 1), add: (_f, { weight }) => weight("third.weight")! }] }).toThrow(
      "A penalty is a number",
    );
    await refused({ penalties: [{ ...smooth("", 1), add: (_f, { input }) => input("noise") }] }).toThrow('"noise"');
    await refused({ penalties: [smooth("third.weight", 1)], adapters: { rank: 2 } }).toThrow("low-rank adapters");
    await refused({
      stepInputs: [{ name: "noise", shape: [3], at: () => [1] }],
      penalties: [{ ...smooth("", 1), add: (f, { input }) => f.sum(input("noise"), [0], false) }],
    }).toThrow("takes 3 numbers at update 0");
  });
});
