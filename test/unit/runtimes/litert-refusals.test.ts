import { describe, expect, it } from "vitest";
import {
  encodeTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from "../../../src/formats/tflite/codec/index.ts";
import { loadLiteRt } from "../../../src/runtimes/litert.ts";
import { fromNumbers } from "../../../src/tensor/index.ts";
import { CORPUS_MISSING, corpusFiles, corpusFolder } from "../tflite/corpus.ts";
import { tinyFloatModel, tinyInt8Model } from "../tflite/tiny-models.ts";
import { failure, IMAGE, sample, smallModel } from "./litert-models.ts";

describe("what LiteRT cannot run", () => {
  it("is an error for a custom operator, although the runtime's own run() returns", async () => {
    const custom: TfliteOperator = { opcode: "CUSTOM", customCode: "MyOp", inputs: [0, 1], outputs: [2] };
    const error = await failure(() => loadLiteRt(encodeTflite(smallModel(["a", "b", "c"], [custom], [2]))));
    expect(error.code).toBe("runtime");
    expect(error.message).toContain("Encountered unresolved custom op: MyOp");
    expect(error.hint).toContain("Replace the operator");
  });

  it("is an error for a builtin operator of a version that the runtime does not know", async () => {
    const add: TfliteOperator = { opcode: "ADD", version: 99, inputs: [0, 1], outputs: [2] };
    const error = await failure(() => loadLiteRt(encodeTflite(smallModel(["a", "b", "c"], [add], [2]))));
    expect(error.code).toBe("runtime");
    expect(error.message).toContain("ADD");
  });

  it("is refused beforehand for variable tensors and outputs of open size", async () => {
    const model = smallModel(["a", "b", "c"], [{ opcode: "ADD", inputs: [0, 1], outputs: [2] }], [2]);
    const change = (index: number, fields: Partial<TfliteTensor>): TfliteModel => ({
      ...model,
      subgraphs: model.subgraphs.map((s) => ({
        ...s,
        tensors: s.tensors.map((t, i) => (i === index ? { ...t, ...fields } : t)),
      })),
    });
    const variable = await failure(() => loadLiteRt(encodeTflite(change(1, { isVariable: true }))));
    expect(variable).toMatchObject({ code: "unsupported", message: 'Tensor "b" is a variable' });
    const open = await failure(() => loadLiteRt(encodeTflite(change(2, { shapeSignature: [1, -1] }))));
    expect(open).toMatchObject({ code: "unsupported", message: 'Output "c" has shape [1, -1]' });
    const text = await failure(() => loadLiteRt(encodeTflite(change(0, { dtype: "string" }))));
    expect(text.message).toBe('Tensor "a" is string, which Espalier cannot pass');
  });

  it.each([
    ["is larger", [1, 6], "computes shape [1, 4], the file says [1, 6]"],
    ["is smaller", [1, 2], "computes shape [1, 4], the file says [1, 2]"],
    ["has another rank", [4], "computes 2 dimensions, the file says [4]"],
  ])("is an output whose declared shape %s than the computed one", async (_, shape, message) => {
    const model = tinyFloatModel();
    const subgraph = model.subgraphs[0]!;
    const tensors = subgraph.tensors.map((t) => (t.name === "scores" ? { ...t, shape } : t));
    const error = await failure(() => loadLiteRt(encodeTflite({ ...model, subgraphs: [{ ...subgraph, tensors }] })));
    expect(error).toMatchObject({ code: "input", where: 'output 0 "scores"' });
    expect(error.message).toContain(message);
  });

  it.each([
    ["an input", [2, 0], 'Output "a" is an input as well'],
    ["listed twice", [2, 2], 'Output "c" is an output before as well'],
    ["written by nothing", [2, 3], 'Tensor "d" is read before anything wrote it'],
  ])("is an output that is %s", async (_, outputs, message) => {
    const add: TfliteOperator = { opcode: "ADD", inputs: [0, 1], outputs: [2] };
    const error = await failure(() => loadLiteRt(encodeTflite(smallModel(["a", "b", "c", "d"], [add], outputs))));
    expect(error.message).toBe(message);
  });

  it("is operators out of order", async () => {
    const add = (inputs: number[], outputs: number[]): TfliteOperator => ({ opcode: "ADD", inputs, outputs });
    const model = smallModel(["a", "b", "c", "d"], [add([0, 2], [3]), add([0, 1], [2])], [3]);
    const error = await failure(() => loadLiteRt(encodeTflite(model)));
    expect(error).toMatchObject({ code: "input", where: "operator 0 ADD" });
  });

  it("is not a division by the zeros that the check at loading feeds", async () => {
    const model = smallModel(["a", "b", "c"], [{ opcode: "FLOOR_MOD", inputs: [0, 1], outputs: [2] }], [2]);
    const tensors = model.subgraphs[0]!.tensors.map((t): TfliteTensor => ({ ...t, dtype: "int32" }));
    const session = await loadLiteRt(encodeTflite({ ...model, subgraphs: [{ ...model.subgraphs[0]!, tensors }] }));
    const [rest] = await session.run([fromNumbers("int32", [1, 2], [7, 9]), fromNumbers("int32", [1, 2], [4, 5])]);
    expect(Array.from(rest!.data as Int32Array)).toEqual([3, 4]);
    const zeros = fromNumbers("int32", [1, 2], [0, 0]);
    expect((await failure(() => session.run([zeros, zeros]))).message).toContain("Division by 0");
  });

  it("is a usage error for inputs that do not fit, and after close", async () => {
    const session = await loadLiteRt(encodeTflite(tinyInt8Model()));
    const wrongType = await failure(() => session.run([sample("float32", IMAGE, "x")]));
    expect(wrongType).toMatchObject({ code: "usage", where: 'input 0 "image"' });
    expect(wrongType.message).toBe("Expected int8[1, 5, 4, 2], got float32[1, 5, 4, 2]");
    expect((await failure(() => session.run([]))).message).toBe("The model has 1 inputs, got 0 tensors");
    await session.run([sample("int8", IMAGE, "x")]);
    session.close();
    session.close();
    expect((await failure(() => session.run([sample("int8", IMAGE, "x")]))).code).toBe("usage");
  });

  it("is an input error for bytes that are no model", async () => {
    expect((await failure(() => loadLiteRt(new Uint8Array(100)))).code).toBe("input");
  });
});

describe.skipIf(corpusFolder === null)(`models by others (${CORPUS_MISSING})`, () => {
  it.each(corpusFiles("tflite").filter(({ name }) => name.startsWith("neg_")))("$name is refused", async ({ read }) => {
    const error = await failure(async () => {
      const session = await loadLiteRt(read());
      return session.run(session.inputs.map((info) => sample(info.dtype, info.shape, "neg")));
    });
    expect(["input", "runtime"]).toContain(error.code);
  });
});
