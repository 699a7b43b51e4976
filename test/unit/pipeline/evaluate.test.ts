import { describe, expect, it } from "vitest";
import { classFigures, confusionMatrix, scoresLoss } from "../../../pipeline/evaluate/class-figures.ts";
import type { ModelEvaluation } from "../../../pipeline/evaluate/evaluate-model.ts";
import { layoutOf, modelScores } from "../../../pipeline/evaluate/model-scores.ts";
import { renderEvaluation } from "../../../pipeline/evaluate/render.ts";
import { type Dataset, datasetOf, UNIT_NORMALISATION } from "../../../src/data/index.ts";
import type { ModelRunner, RunnerPort } from "../../../src/runtimes/index.ts";
import { float32, type Tensor, tensor } from "../../../src/tensor/index.ts";

/** Five images of 3 channels; sample i has the value i + c / 10 in channel c, before normalisation by 255. */
const data: Dataset = datasetOf({
  name: "five",
  sampleShape: [3, 2, 2],
  classes: ["a", "b"],
  labels: Int32Array.from([0, 1, 0, 1, 0]),
  samples: Uint8Array.from({ length: 60 }, (_, i) => Math.floor(i / 12) * 10 + (Math.floor(i / 4) % 3)),
  normalisation: UNIT_NORMALISATION,
});

/** A runner that keeps what it was given and answers with the first two numbers of each sample. */
function runnerOf(input: Partial<RunnerPort>, output: Partial<RunnerPort> = {}, given: Tensor[] = []): ModelRunner {
  const inputs = [{ name: "x", dtype: "float32", shape: ["N", 3, 2, 2], ...input } as RunnerPort];
  const outputs = [{ name: "y", dtype: "float32", shape: ["N", 2], ...output } as RunnerPort];
  return {
    engine: "fake",
    inputs,
    outputs,
    run: async ([x]) => {
      given.push(x!);
      const n = x!.shape[0]!;
      const size = x!.data.length / n;
      const values = Array.from({ length: 2 * n }, (_, i) => Number(x!.data[Math.floor(i / 2) * size + (i % 2)]));
      return [outputs[0]!.dtype === "int8" ? tensor("int8", [n, 2], Int8Array.from(values)) : float32([n, 2], values)];
    },
    close: async () => {},
  };
}

describe("how a model takes its samples", () => {
  it.each([
    ["onnx", ["N", 3, 8, 8], [3, 8, 8], false, null],
    ["onnx", [1, 224, 224, 3], [3, 224, 224], true, 1],
    ["tflite", [1, 32, 32, 3], [3, 32, 32], true, 1],
    ["tflite", ["open", 32, 32, 3], [3, 32, 32], true, 1],
    ["tflite", [1, 3, 32, 32], [3, 32, 32], false, 1],
    ["tflite", [1, 49, 10, 1], [1, 49, 10], true, 1],
    ["tfjs", ["batch", 4, 4, 4], [4, 4, 4], true, null],
    ["onnx", [8, 490], [490], false, 8],
  ] as const)("%s %j", (format, shape, sampleShape, channelsLast, batch) => {
    expect(layoutOf(runnerOf({ shape }), format)).toEqual({ sampleShape, channelsLast, batch });
  });

  it("refuses sizes that are open", () => {
    expect(() => layoutOf(runnerOf({ shape: ["N", 3, "h", "w"] }), "onnx")).toThrow("[N, 3, h, w]");
  });
});

describe("scores in the model's own runtime", () => {
  it("fill up a fixed batch, bring channels last, and drop what was filled up", async () => {
    const given: Tensor[] = [];
    const runner = runnerOf({ shape: [2, 2, 2, 3] }, { shape: [2, 2] }, given);
    const { scores } = await modelScores(runner, layoutOf(runner, "tflite"), data);
    expect(given.map(({ shape }) => shape)).toEqual([
      [2, 2, 2, 3],
      [2, 2, 2, 3],
      [2, 2, 2, 3],
    ]);
    // Channels last: the first two numbers of a sample are two channels of its first pixel.
    expect(scores.shape).toEqual([5, 2]);
    expect(Array.from(scores.data, (value) => Math.round(255 * value))).toEqual([0, 1, 10, 11, 20, 21, 30, 31, 40, 41]);
  });

  it("pass integers by their own scales", async () => {
    const given: Tensor[] = [];
    const runner = runnerOf(
      { shape: [1, 3, 2, 2], dtype: "int8", quantization: { scale: 1 / 255, zeroPoint: -10 } },
      { shape: [1, 2], dtype: "int8", quantization: { scale: 0.5, zeroPoint: 2 } },
      given,
    );
    const { scores, quantised } = await modelScores(runner, layoutOf(runner, "tflite"), data);
    expect(quantised).toBe(true);
    expect(given[1]!.dtype).toBe("int8");
    expect(Array.from(given[1]!.data, Number)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(Array.from(scores.data.subarray(2, 4))).toEqual([-1, -1]);
  });

  it("are refused where they do not fit the data", async () => {
    const one = runnerOf({}, { shape: ["N", 1] });
    const narrow = {
      ...one,
      run: async ([x]: readonly Tensor[]) => [float32([x!.shape[0]!, 1], new Float32Array(x!.shape[0]!))],
    };
    await expect(modelScores(narrow, layoutOf(narrow, "onnx"), data)).rejects.toThrow("no list of class scores");
    const more = { ...data, classes: ["a", "b", "c"] };
    const two = runnerOf({});
    await expect(modelScores(two, layoutOf(two, "onnx"), more)).rejects.toThrow(
      "The model has 2 classes, the data set has 3",
    );
    const integers = runnerOf({ dtype: "uint8" });
    await expect(modelScores(integers, layoutOf(integers, "onnx"), data)).rejects.toThrow("states no scale");
  });
});

describe("figures of classes", () => {
  const labels = Int32Array.from([0, 0, 1, 2]);
  const scores = Float32Array.from([0.9, 0.1, 0, 0.2, 0.8, 0, 0.3, 0.7, 0, 0.5, 0.5, 0]);
  const matrix = confusionMatrix(scores, labels, 3);

  it("count rows by truth and columns by call, ties to the lower class", () => {
    expect(matrix).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 0],
    ]);
    expect(classFigures(matrix, ["a", "b"])).toEqual([
      { name: "a", precision: 0.5, recall: 0.5, samples: 2 },
      { name: "b", precision: 0.5, recall: 1, samples: 1 },
      { name: "class 2", precision: null, recall: 0, samples: 1 },
    ]);
  });

  it("the loss takes rows that sum to 1 as probabilities, others as logits", () => {
    const logs = [0.9, 0.2, 0.7, 1e-7].map((p) => -Math.log(p));
    expect(scoresLoss(scores, labels, 3)).toBeCloseTo(logs.reduce((a, b) => a + b) / 4, 5);
    expect(scoresLoss(Float32Array.from([1, 3]), Int32Array.of(0), 2)).toBeCloseTo(Math.log(1 + Math.exp(2)), 6);
  });

  it("print the commonest confusions of many classes", () => {
    const many = Array.from({ length: 30 }, (_, k) =>
      Array.from({ length: 30 }, (_, j) => (j === k ? 5 : k === 3 && j === 4 ? 2 : 0)),
    );
    const evaluation: ModelEvaluation = {
      schema: 1,
      file: "m.onnx",
      format: "onnx",
      sha256: "",
      engine: "fake",
      data: { name: "many", samples: 152, note: "a note" },
      accuracy: 150 / 152,
      loss: null,
      classes: classFigures(many, []),
      confusion: many,
    };
    const text = renderEvaluation(evaluation);
    expect(text).toContain("many: 152 samples (a note)\nAccuracy 98.68 %\n");
    expect(text).toMatch(/Commonest confusions \(of 1\):\ntrue +called +samples\nclass 3 +class 4 +2/);
  });
});
