import { describe, expect, it } from "vitest";
import { lstmClassifier, vitTiny } from "../../../src/architectures/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { editGraph, newBuilder } from "../../../src/ops/index.ts";
import { float32, int64s, seededRandom } from "../../../src/tensor/index.ts";
import { evaluate, weightGradients } from "../../../src/train/index.ts";
import { stripes } from "./tiny.ts";

const data = stripes(8);
const normal = (label: string, ...shape: number[]) => {
  const random = seededRandom(1, label);
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from(
      { length: size },
      () => random.normal() * Math.sqrt(shape.length > 1 ? (2 * shape[0]!) / size : 1),
    ),
  );
};

/** Group normalisation and RMS normalisation as the ONNX reader writes them out, and a bidirectional GRU over the rows. */
function writtenOut(): Graph {
  const b = newBuilder("written-out");
  const c = (name: string, ...shape: number[]) => b.constant(name, normal(name, ...shape));
  const ints = (...values: number[]) => b.constant("ints", int64s(values));
  const x = b.input("x", { dtype: "float32", shape: ["N", 1, 8, 8] });
  const conv = b.node("Conv", [x, c("conv", 6, 1, 3, 3)], { pads: [1, 1, 1, 1] });
  const grouped = b.node("Reshape", [conv, ints(0, 3, 128)]);
  const ones = b.constant("ones", float32([3], [1, 1, 1]));
  const zeros = b.constant("zeros", float32([3], [0, 0, 0]));
  const norm = b.node("Reshape", [b.node("InstanceNormalization", [grouped, ones, zeros]), ints(0, 6, 8, 8)]);
  const scaled = b.node("Add", [b.node("Mul", [norm, c("gain", 6, 1, 1)]), c("shift", 6, 1, 1)]);
  const rows = b.node("Reshape", [
    b.node("Transpose", [b.node("Softplus", [scaled])], { perm: [2, 0, 1, 3] }),
    ints(8, -1, 48),
  ]);
  const square = b.node("ReduceMean", [b.node("Mul", [rows, rows]), ints(-1)]);
  const root = b.node("Sqrt", [b.node("Add", [square, b.constant("epsilon", float32([], [1e-5]))])]);
  const rms = b.node("Mul", [b.node("Div", [rows, root]), c("rms", 48)]);
  const gru = b.nodes(
    "GRU",
    [rms, c("gru.w", 2, 12, 48), c("gru.r", 2, 12, 4), c("gru.b", 2, 24)],
    { hidden_size: 4, direction: "bidirectional" },
    { outputs: 2 },
  );
  const state = b.node("Reshape", [b.node("Transpose", [gru[1]!], { perm: [1, 0, 2] }), ints(-1, 8)]);
  b.output(b.node("Gemm", [state, c("fc", 4, 8)], { transB: 1 }));
  return b.build();
}

const models: [string, () => Graph][] = [
  ["a vision transformer", () => vitTiny(1, [1, 8, 8], 4, { width: 16, depth: 2, heads: 2 })],
  ["an LSTM", () => lstmClassifier(1, [1, 8, 8], 4, 12)],
  ["group and RMS normalisation written out, and a GRU", writtenOut],
];

describe("gradients of whole models", () => {
  it.each(models)("%s: every weight's gradient is the slope of the loss", async (_, build) => {
    const graph = build();
    const gradients = await weightGradients(graph, data, { samples: 8, batch: 8 });
    const ids = new Map([...graph.values.values()].map((value) => [value.name, value]));
    const lossAt = async (name: string, direction: Float32Array, step: number) => {
      const { id, data: weight, type } = ids.get(name)!;
      const builder = editGraph(graph);
      const moved = (weight!.data as Float32Array).map((value, i) => value + step * direction[i]!);
      builder.setConstant(id, float32(type.shape as number[], moved));
      return (await evaluate(builder.build(), data, { threads: 1 })).loss;
    };
    for (const [name, { data: gradient }] of gradients) {
      // Along the gradient the slope is its length: steps of a few thousandths of the loss.
      const length = Math.hypot(...gradient);
      if (length < 1e-4) continue;
      const direction = gradient.map((value) => value / length);
      const step = Math.min(4e-3 / length, 1e-2);
      const slope = ((await lossAt(name, direction, step)) - (await lossAt(name, direction, -step))) / (2 * step);
      expect(Math.abs(slope / length - 1), `${name}: ${length} and ${slope}`).toBeLessThan(0.03);
    }
    expect(gradients.size).toBeGreaterThan(4);
  });
});
