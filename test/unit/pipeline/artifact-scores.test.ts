import { describe, expect, it } from "vitest";
import { largestDifference, scoreOnnx, scoreTflite, toInput } from "../../../pipeline/artifact-scores.ts";
import { datasetOf } from "../../../src/data/index.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { emitTflite } from "../../../src/formats/tflite/write.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { calibrate, MOBILE_SCHEME, quantizeGraph } from "../../../src/quantize/index.ts";
import { openOrt } from "../../../src/runtimes/index.ts";
import { float32, seededRandom, tensor } from "../../../src/tensor/index.ts";

/** Pixel at a place of a 3x2x4 image, channels first. */
const at = (c: number, y: number, x: number) => (c * 2 + y) * 4 + x;
/** The pixel that each class's score reads: a layout that is mixed up reads others. */
const READS = [at(0, 0, 1), at(1, 1, 0), at(2, 0, 3)] as const;

/** Scores that are three pixels: a 1x1 identity convolution, so that a TFLite file has image layout, and a fully connected layer that picks. */
function picker() {
  const builder = newBuilder("picker");
  const x = builder.input("image", { dtype: "float32", shape: ["N", 3, 2, 4] });
  const identity = float32([3, 3, 1, 1], Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1));
  const y = builder.node("Conv", [x, builder.constant("identity", identity)], { kernel_shape: [1, 1] });
  const weight = new Float32Array(3 * 24);
  READS.forEach((pixel, row) => {
    weight[row * 24 + pixel] = 1;
  });
  const flat = builder.node("Flatten", [y], { axis: 1 });
  builder.output(builder.node("Gemm", [flat, builder.constant("pick", float32([3, 24], weight))], { transB: 1 }));
  return builder.build();
}

/** Noise in [-1, 1) with the label of the greatest picked pixel, but for every fifth sample. */
function pictures(length: number) {
  const random = seededRandom(4, "pictures");
  const samples = Float32Array.from({ length: length * 24 }, () => 2 * random.next() - 1);
  const scores = Array.from({ length }, (_, i) => READS.map((pixel) => samples[i * 24 + pixel]!));
  const labels = Int32Array.from(scores, (row, i) => {
    const best = row.indexOf(Math.max(...row));
    return i % 5 === 0 ? (best + 1) % 3 : best;
  });
  const normalisation = { mean: [0], std: [1] };
  const data = datasetOf({
    name: "noise",
    sampleShape: [3, 2, 4],
    classes: ["a", "b", "c"],
    labels,
    samples,
    normalisation,
  });
  return { data, scores: Float32Array.from(scores.flat()) };
}

describe("toInput", () => {
  const sample = float32([1, 2, 1, 3], Float32Array.of(0, 1, 2, 10, 11, 12));

  it("brings channels last", () => {
    const input = toInput(sample, { name: "x", dtype: "float32", shape: [1, 1, 3, 2] });
    expect(input.shape).toEqual([1, 1, 3, 2]);
    expect(Array.from(input.data as Float32Array)).toEqual([0, 10, 1, 11, 2, 12]);
  });

  it("quantises by the file's own scale and zero point, clamped", () => {
    const quantization = { scales: [0.1], zeroPoints: [3], quantizedDimension: 0 };
    const input = toInput(sample, { name: "x", dtype: "int8", shape: [1, 1, 3, 2], quantization });
    expect(input).toEqual(tensor("int8", [1, 1, 3, 2], Int8Array.of(3, 103, 13, 113, 23, 123)));
    const clamped = toInput(float32([1, 1, 1, 2], Float32Array.of(100, -100)), {
      name: "x",
      dtype: "int8",
      shape: [1, 1, 2, 1],
      quantization,
    });
    expect(Array.from(clamped.data as Int8Array)).toEqual([127, -128]);
  });

  it("leaves vectors alone", () => {
    const vector = float32([1, 3], Float32Array.of(1, 2, 3));
    expect(toInput(vector, { name: "x", dtype: "float32", shape: [1, 3] })).toEqual(vector);
  });
});

describe("scores of an artifact", () => {
  const { data, scores } = pictures(40);

  it("of ONNX in ONNX Runtime are the picked pixels", async () => {
    const result = await scoreOnnx(writeOnnx(picker()), data);
    expect(largestDifference(result.scores, scores)).toBeLessThan(1e-6);
    expect(result).toMatchObject({ classes: 3, n: 40, accuracy: 0.8, step: null, runtime: "ONNX Runtime" });
  });

  it("of float TFLite in LiteRT are the same", async () => {
    const result = await scoreTflite(emitTflite(picker(), { name: "picker" }).bytes, data);
    expect(largestDifference(result.scores, scores)).toBeLessThan(1e-6);
    expect(result).toMatchObject({ classes: 3, n: 40, accuracy: 0.8, step: null, runtime: "LiteRT" });
  });

  it("of int8 TFLite come back through the output's own scale, within its rounding", async () => {
    const indices = Int32Array.from({ length: 40 }, (_, i) => i);
    const options = { open: openOrt, method: "minmax" as const, scheme: MOBILE_SCHEME };
    const ranges = await calibrate(picker(), [data.batch(indices)], options);
    const { bytes } = emitTflite(quantizeGraph(picker(), ranges, MOBILE_SCHEME), { name: "picker" });
    const result = await scoreTflite(bytes, data);
    expect(result.step).toBeGreaterThan(1 / 256);
    expect(result.step).toBeLessThan(2.1 / 255);
    expect(largestDifference(result.scores, scores)).toBeLessThan(2.5 * result.step!);
    for (const score of result.scores)
      expect(Math.abs(score / result.step! - Math.round(score / result.step!))).toBeLessThan(1e-3);
  });
});

describe("largestDifference", () => {
  it("compares lists of one length", () => {
    expect(largestDifference(Float32Array.of(1, 2), Float32Array.of(1, -1))).toBe(3);
    expect(() => largestDifference(new Float32Array(1), new Float32Array(2))).toThrow("1 scores against 2");
  });
});
