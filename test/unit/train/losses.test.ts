import { describe, expect, it } from "vitest";
import type { ValueId } from "../../../src/ir/index.ts";
import { type Formula, formula, newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32 } from "../../../src/tensor/index.ts";
import {
  addBinaryCrossEntropy,
  addGradients,
  addHuber,
  addMeanAbsoluteError,
  addMeanSquaredError,
} from "../../../src/train/index.ts";

const OUTPUT = [-90, -1.5, 0, 0.25, 2, 90];
const TARGET = [0, 1, 1, 0.25, -1, 1];

/** Loss and its gradient by the output. */
async function graphOf(add: (f: Formula, output: ValueId, target: ValueId) => ValueId): Promise<[number, number[]]> {
  const builder = newBuilder("loss");
  const type = { dtype: "float32", shape: [2, 3] } as const;
  const output = builder.input("output", type);
  const loss = add(formula(builder, "loss"), output, builder.input("target", type));
  const [gradient] = addGradients(builder, loss, [output]);
  builder.setOutputs([loss, gradient!]);
  const graph = builder.build();
  const results = await runOnce(graph, { output: float32([2, 3], OUTPUT), target: float32([2, 3], TARGET) });
  const [a, b] = graph.outputs.map((id) => Array.from(results[graph.values.get(id)!.name]!.data as Float32Array));
  return [a![0]!, b!];
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** -(t log p + (1 - t) log(1 - p)), with log(1 - p) for large x written as -x. */
const binary = (x: number, t: number) =>
  -(t * (x < -30 ? x : Math.log(sigmoid(x))) + (1 - t) * (x > 30 ? -x : Math.log(1 - sigmoid(x))));

const huber = (d: number, delta: number) => (Math.abs(d) <= delta ? d ** 2 / 2 : delta * (Math.abs(d) - delta / 2));

describe("losses of any output", () => {
  it.each([
    [
      "binary cross-entropy, without overflow",
      addBinaryCrossEntropy,
      (x: number, t: number) => binary(x, t),
      (x: number, t: number) => sigmoid(x) - t,
    ],
    [
      "squared error",
      addMeanSquaredError,
      (x: number, t: number) => (x - t) ** 2,
      (x: number, t: number) => 2 * (x - t),
    ],
    [
      "absolute error",
      addMeanAbsoluteError,
      (x: number, t: number) => Math.abs(x - t),
      (x: number, t: number) => Math.sign(x - t),
    ],
    [
      "Huber's",
      (f: Formula, output: ValueId, target: ValueId) => addHuber(f, output, target, 1.5),
      (x: number, t: number) => huber(x - t, 1.5),
      (x: number, t: number) => Math.max(-1.5, Math.min(1.5, x - t)),
    ],
  ] as const)("%s is the mean of the formula, and so is its gradient", async (_, add, loss, slope) => {
    const [value, gradient] = await graphOf(add);
    const expected = OUTPUT.reduce((sum, x, i) => sum + loss(x, TARGET[i]!), 0) / 6;
    expect(value / expected).toBeCloseTo(1, 5);
    gradient.forEach((g, i) => {
      expect(g).toBeCloseTo(slope(OUTPUT[i]!, TARGET[i]!) / 6, 5);
    });
  });
});
