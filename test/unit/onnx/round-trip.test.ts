import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { hashGraph, printGraph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, fromNumbers, int64s, seededRandom, toHalfBits } from "../../../src/tensor/index.ts";

function smallGraph() {
  const random = seededRandom(3);
  const normal = (shape: number[]) =>
    float32(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    );
  const b = newBuilder("small");
  const x = b.input("input", { dtype: "float32", shape: ["N", 2, 5, 5] });
  const conv = b.node(
    "Conv",
    [x, b.constant("conv.weight", normal([4, 2, 3, 3])), b.constant("conv.bias", normal([4]))],
    { pads: [1, 1, 1, 1], strides: [2, 2] },
    { name: "conv" },
  );
  const relu = b.node("Clip", [conv, b.constant("zero", float32([], [0])), b.constant("six", float32([], [6]))]);
  const pooled = b.node("GlobalAveragePool", [relu], {}, { name: "gap" });
  const flat = b.node("Reshape", [pooled, b.constant("shape", int64s([0, -1]))]);
  b.output(b.node("Gemm", [flat, b.constant("fc.weight", normal([3, 4])), null], { transB: 1 }, { name: "logits" }));
  b.setMetadata({ labels: "a,b,c" });
  return b.build();
}

describe("writeOnnx and readOnnx", () => {
  it("restores an equal graph, byte for byte the second time", () => {
    const graph = smallGraph();
    const bytes = writeOnnx(graph);
    const again = readOnnx(bytes);
    expect(printGraph(again, { weights: "full" })).toBe(printGraph(graph, { weights: "full" }));
    expect(hashGraph(again)).toBe(hashGraph(graph));
    expect(writeOnnx(again)).toEqual(bytes);
  });

  it("keeps the symbolic batch and gives ONNX Runtime what it expects", async () => {
    const graph = smallGraph();
    const x = float32(
      [2, 2, 5, 5],
      Float32Array.from({ length: 100 }, (_, i) => Math.sin(i)),
    );
    const first = await runOnce(graph, { input: x });
    const second = await runOnce(readOnnx(writeOnnx(graph)), { input: x });
    expect(first.logits!.shape).toEqual([2, 3]);
    expect(second.logits!.data).toEqual(first.logits!.data);
  });

  it("keeps float16 weights bit for bit", () => {
    const b = newBuilder("half");
    const x = b.input("x", { dtype: "float16", shape: [2] });
    const bits = Uint16Array.of(toHalfBits(0.1), toHalfBits(-65504));
    b.output(b.node("Mul", [x, b.constant("w", { dtype: "float16", shape: [2], data: bits })]));
    const again = readOnnx(writeOnnx(b.build()));
    expect([...again.values.values()].find((v) => v.name === "w")?.data?.data).toEqual(bits);
  });
});

describe("readOnnx on bad input", () => {
  const bytes = writeOnnx(smallGraph());

  it("answers every truncation with an error of the input kind", () => {
    for (let length = 0; length < bytes.length; length += 7) {
      let error: unknown = null;
      try {
        readOnnx(bytes.subarray(0, length), { name: "cut.onnx" });
      } catch (caught) {
        error = caught;
      }
      // A cut at a message border may leave a smaller model that is whole; everything else is refused.
      if (error !== null) {
        expect(error).toBeInstanceOf(EspalierError);
        expect((error as EspalierError).where).toContain("cut.onnx");
        expect((error as EspalierError).code).not.toBe("internal");
      }
    }
    expect(() => readOnnx(bytes.subarray(0, bytes.length >> 1))).toThrow(EspalierError);
  });

  it("never throws anything but its own error on seeded mutations", () => {
    const random = seededRandom(11);
    for (let round = 0; round < 2000; round++) {
      const mutant = bytes.slice();
      for (let k = 0; k < 1 + random.below(4); k++) mutant[random.below(mutant.length)] = random.below(256);
      try {
        readOnnx(mutant);
      } catch (error) {
        expect(error).toBeInstanceOf(EspalierError);
        expect((error as EspalierError).code, (error as EspalierError).render()).not.toBe("internal");
      }
    }
  });

  it("names an unknown operator, its node and the nearest known one", () => {
    const text = Buffer.from(bytes);
    const at = text.indexOf("GlobalAveragePool");
    text.write("GlobalAveragePoom", at);
    try {
      readOnnx(text, { name: "m.onnx" });
      expect.unreachable();
    } catch (error) {
      const e = error as EspalierError;
      expect(e.code).toBe("unsupported");
      expect(e.message).toBe('Operator "GlobalAveragePoom" is not supported');
      expect(e.hint).toContain('Did you mean "GlobalAveragePool"?');
      expect(e.where).toContain("m.onnx, node ");
    }
  });

  it("refuses weights whose size does not fit their shape", () => {
    const b = newBuilder("bad");
    const x = b.input("x", { dtype: "float32", shape: [3] });
    b.output(b.node("Add", [x, b.constant("w", fromNumbers("float32", [3], [1, 2, 3]))]));
    const file = Buffer.from(writeOnnx(b.build()));
    // raw_data is field 9 (tag 0x4a) of 12 bytes; make the dims say 5.
    const dims = file.indexOf(Buffer.from([0x0a, 0x01, 0x03, 0x10, 0x01]));
    file[dims + 2] = 5;
    expect(() => readOnnx(file)).toThrow(/needs 20 bytes, the file has 12/);
  });
});
