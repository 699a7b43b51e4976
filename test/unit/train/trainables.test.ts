import { describe, expect, it } from "vitest";
import { lstmClassifier, vitTiny } from "../../../src/architectures/index.ts";
import { type Graph, type GraphBuilder, type ValueId, valueById } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { float32, int64s, seededRandom } from "../../../src/tensor/index.ts";
import { trainables } from "../../../src/train/trainables.ts";

/** Names of the trainable constants, with "*" where weight decay pulls. */
function found(graph: Graph): string[] {
  return trainables(graph).map(({ id, decays }) => `${valueById(graph, id).name}${decays ? "*" : ""}`);
}

const random = seededRandom(3, "trainables");

/** A graph over x [N, 4, 6] between two products with learned matrices. */
function between(
  middle: (b: GraphBuilder, x: ValueId, c: (name: string, ...shape: number[]) => ValueId) => ValueId,
): Graph {
  const b = newBuilder("g");
  const c = (name: string, ...shape: number[]) =>
    b.constant(
      name,
      float32(
        shape,
        Float32Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => random.normal()),
      ),
    );
  const x = b.input("x", { dtype: "float32", shape: ["N", 4, 6] });
  const first = b.node("MatMul", [x, c("first", 6, 6)]);
  b.output(b.node("MatMul", [middle(b, first, c), c("last", 6, 3)]));
  return b.build();
}

describe("what training may change", () => {
  it("has every weight of a transformer, and its positions, and no shape", () => {
    const graph = vitTiny(1, [3, 8, 8], 4, { width: 8, depth: 1, heads: 2 });
    expect(found(graph)).toEqual([
      "patches.weight*",
      "patches.bias",
      "positions",
      "block1.norm1.scale",
      "block1.norm1.bias",
      "block1.attention.qkv.weight*",
      "block1.attention.qkv.bias",
      "block1.attention.projection.weight*",
      "block1.attention.projection.bias",
      "block1.norm2.scale",
      "block1.norm2.bias",
      "block1.mlp1.weight*",
      "block1.mlp1.bias",
      "block1.mlp2.weight*",
      "block1.mlp2.bias",
      "norm.scale",
      "norm.bias",
      "classifier.weight*",
      "classifier.bias",
    ]);
  });

  it("has the matrices and the bias of a recurrent layer", () => {
    expect(found(lstmClassifier(1, [1, 4, 3], 2, 5))).toEqual([
      "lstm.weight*",
      "lstm.recurrent*",
      "lstm.bias",
      "classifier.weight*",
      "classifier.bias",
    ]);
  });

  it("has an embedding that is looked up at computed positions", () => {
    const b = newBuilder("g");
    const table = b.constant("table", float32([5, 4], new Float32Array(20)));
    const rows = b.node("Gather", [table, b.input("x", { dtype: "int64", shape: ["N", 3] })]);
    b.output(b.node("Relu", [rows]));
    expect(found(b.build())).toEqual(["table*"]);
  });

  it("has slopes, and what an Einsum multiplies with", () => {
    const graph = between((b, x, c) => {
      const y = b.node("PRelu", [x, c("slope", 6)]);
      return b.node("Einsum", [y, c("mix", 4, 4)], { equation: "ntc,ts->nsc" });
    });
    expect(found(graph)).toEqual(["first*", "slope", "mix*", "last*"]);
  });

  it("has gains along one axis, but no tables of factors", () => {
    const graph = between((b, x, c) => b.node("Mul", [b.node("Mul", [x, c("gain", 6)]), c("sines", 4, 6)]));
    expect(found(graph)).toEqual(["first*", "gain", "last*"]);
  });

  it("has no attention mask and no single number", () => {
    const graph = between((b, x, c) => {
      const mask = b.constant("mask", float32([4, 1], [0, 0, 0, -1e9]));
      const relu = b.node("Relu", [b.node("Add", [b.node("Relu", [x]), mask])]);
      return b.node("Mul", [b.node("Add", [relu, c("one", 1)]), c("factor")]);
    });
    expect(found(graph)).toEqual(["first*", "last*"]);
  });

  it("has neither the normalisation of samples nor the decoding of what the last layer says", () => {
    const b = newBuilder("g");
    const vector = (name: string) => b.constant(name, float32([6], [1, 2, 3, 4, 5, 6]));
    const x = b.input("x", { dtype: "float32", shape: ["N", 6] });
    const normal = b.node("Mul", [b.node("Add", [x, vector("mean")]), vector("deviation")]);
    const weight = b.constant("weight", float32([6, 6], new Float32Array(36)));
    const scores = b.node("Sigmoid", [b.node("MatMul", [normal, weight])]);
    const boxes = b.node("Mul", [b.node("Add", [scores, vector("anchors")]), vector("strides")]);
    b.output(b.node("Reshape", [boxes, b.constant("shape", int64s([0, 2, 3]))]));
    expect(found(b.build())).toEqual(["weight*"]);
  });
});
