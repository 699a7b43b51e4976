import { describe, expect, it } from "vitest";
import { resnet8 } from "../../src/architectures/index.ts";
import { emitTflite } from "../../src/formats/tflite/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { validateGraph } from "../../src/ops/index.ts";
import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import { calibrate, compressWeights, MCU_SCHEME, MOBILE_SCHEME, quantizeGraph } from "../../src/quantize/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { cycle, difference, randomFeed, steps } from "./tflite-cycle.ts";
import { PROBLEMS } from "./tflite-problems.ts";

/** Each problem in float32 and in int8: ONNX Runtime on the graph against LiteRT on the file that the writer made of it. */
async function quantized(graph: Graph, scheme = MCU_SCHEME): Promise<Graph> {
  const batches = [1, 2, 3].map((seed) =>
    Object.fromEntries(
      graph.inputs.map((id) => {
        const { name, type } = valueById(graph, id);
        return [name, randomFeed(type, seed, name)];
      }),
    ),
  );
  const ranges = await calibrate(graph, batches, { open: (g) => openOrt(g, { threads: 1 }), scheme });
  const result = quantizeGraph(graph, ranges, scheme);
  validateGraph(result);
  return result;
}

describe.each(PROBLEMS)("$name", ({ graph, int8, steps: allowed }) => {
  it("float32: within 1e-4 of the largest output", async () => {
    const { expected, actual, emitted } = await cycle(graph);
    const { absolute, magnitude } = difference(expected, actual);
    expect(absolute).toBeLessThanOrEqual(1e-4 * Math.max(1, magnitude));
    expect(emitted.model.subgraphs[0]!.operators.length).toBeGreaterThan(0);
  });

  if (int8) {
    it("int8: on integers from end to end, at most one step away", async () => {
      const { expected, actual, emitted } = await cycle(await quantized(graph));
      const opcodes = emitted.model.subgraphs[0]!.operators.map((operator) => operator.opcode);
      expect(opcodes).not.toContain("DEQUANTIZE");
      expect(emitted.inputs.every((side) => side.dtype === "int8")).toBe(true);
      expect(emitted.outputs.every((side) => side.dtype === "int8")).toBe(true);
      expect(Math.max(...steps(emitted, expected, actual))).toBeLessThanOrEqual(allowed ?? 1);
    });
  } else {
    it("int8: real numbers where TFLite has no int8 kernel", async () => {
      const { expected, actual } = await cycle(await quantized(graph));
      const { absolute, magnitude } = difference(expected, actual);
      expect(absolute).toBeLessThanOrEqual(0.0125 * Math.max(1, magnitude));
    });
  }
});

describe("options", () => {
  const conv = PROBLEMS.find((problem) => problem.name === "conv relu")!;
  const pool = PROBLEMS.find((problem) => problem.name === "global average then gemm")!;

  it("keeps float32 at the border of a quantised graph on request", async () => {
    const { expected, actual, emitted } = await cycle(await quantized(conv.graph), 1, { io: "float32" });
    expect([emitted.inputs[0]!.dtype, emitted.outputs[0]!.dtype]).toEqual(["float32", "float32"]);
    const opcodes = emitted.model.subgraphs[0]!.operators.map((operator) => operator.opcode);
    expect(opcodes).toEqual(["QUANTIZE", "CONV_2D", "DEQUANTIZE"]);
    const { absolute, magnitude } = difference(expected, actual);
    expect(absolute).toBeLessThanOrEqual(magnitude / 100);
  });

  it("gives a global average with a scale of its own as MEAN", async () => {
    const { expected, actual, emitted } = await cycle(await quantized(pool.graph, MOBILE_SCHEME));
    const opcodes = emitted.model.subgraphs[0]!.operators.map((operator) => operator.opcode);
    expect(opcodes).toEqual(["MEAN", "FULLY_CONNECTED"]);
    expect(Math.max(...steps(emitted, expected, actual))).toBeLessThanOrEqual(1);
  });

  it.each(["conv 3x3 stride 2 symmetric pads", "conv grouped strided", "conv depthwise strided"])(
    "grows the kernel of %s by zeros instead of padding, in float32 and int8",
    async (name) => {
      const { graph } = PROBLEMS.find((problem) => problem.name === name)!;
      const opcodes = ({ emitted }: Awaited<ReturnType<typeof cycle>>) =>
        emitted.model.subgraphs[0]!.operators.map((operator) => operator.opcode);
      expect(opcodes(await cycle(graph))[0]).toBe("PAD");
      const real = await cycle(graph, 1, { border: "grow" });
      expect(opcodes(real)).not.toContain("PAD");
      expect(difference(real.expected, real.actual).absolute).toBeLessThanOrEqual(1e-4);
      const integer = await cycle(await quantized(graph), 1, { border: "grow" });
      expect(opcodes(integer)).not.toContain("PAD");
      expect(Math.max(...steps(integer.emitted, integer.expected, integer.actual))).toBeLessThanOrEqual(1);
    },
  );
});

describe("smaller weights", () => {
  const graph = runPasses(resnet8(1), deployPipeline);

  it("float16: half the bytes, the same numbers in both runtimes", async () => {
    const { expected, actual, emitted } = await cycle(compressWeights(graph, { dtype: "float16" }));
    const { absolute, magnitude } = difference(expected, actual);
    expect(absolute).toBeLessThanOrEqual(1e-4 * magnitude);
    expect(emitted.bytes.length).toBeLessThan(0.55 * emitTflite(graph).bytes.length);
  });

  it("int8: about a quarter, and close to the real graph (LiteRT rounds activations too)", async () => {
    const float = await cycle(graph);
    const small = await cycle(compressWeights(graph, { dtype: "int8" }));
    const { absolute, magnitude } = difference(float.expected, small.actual);
    expect(absolute).toBeLessThanOrEqual(0.03 * magnitude);
    expect(small.emitted.bytes.length).toBeLessThan(0.32 * float.emitted.bytes.length);
    expect(small.emitted.inputs[0]!.dtype).toBe("float32");
  });
});
