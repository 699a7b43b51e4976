import { expect, it } from "vitest";
import { halfWeights } from "../../../scripts/half-weights.ts";
import { readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { runPasses } from "../../../src/passes/index.ts";
import { fromHalfBits, toHalfBits } from "../../../src/tensor/index.ts";
import { evaluate } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

it("stores weights as float16 that constant folding turns into rounded float32 constants", async () => {
  const graph = tinyClassifier();
  const [whole, halved] = [writeOnnx(graph), writeOnnx(halfWeights(graph))];
  const read = runPasses(readOnnx(halved, { name: "halved" }), ["fold-constants"]);
  expect(halved.length).toBeLessThan(whole.length);
  // The Casts are folded: the graph has the nodes that it had.
  expect(read.nodes.map((node) => node.op)).toEqual(graph.nodes.map((node) => node.op));
  graph.nodes.forEach((node, i) => {
    if (node.op !== "Conv") return;
    const before = graph.values.get(node.inputs[1]!)!.data!;
    const after = read.values.get(read.nodes[i]!.inputs[1]!)!.data!;
    expect(after).toMatchObject({ dtype: "float32", shape: before.shape });
    expect(Array.from(after.data as Float32Array)).toEqual(
      Array.from(before.data as Float32Array, (value) => fromHalfBits(toHalfBits(value))),
    );
  });
  const data = stripes(32);
  const [a, b] = [await evaluate(graph, data, { threads: 1 }), await evaluate(read, data, { threads: 1 })];
  expect(b.loss).toBeCloseTo(a.loss, 2);
});
