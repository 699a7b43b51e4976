import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { type ReadOnnxOptions, readOnnx } from "../../../src/formats/onnx/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { float32, int64s } from "../../../src/tensor/index.ts";
import { modelBytes, node, type Port } from "./model-bytes.ts";

function add(inputs: readonly Port[]): Uint8Array {
  const nodes = [node("Add", [inputs[0]!.name, inputs[inputs.length - 1]!.name], ["y"])];
  return modelBytes({ nodes, inputs, outputs: [{ name: "y" }] });
}

function shapes(bytes: Uint8Array, options: ReadOnnxOptions = {}) {
  const graph = readOnnx(bytes, options);
  return Object.fromEntries(graph.inputs.map((id) => [valueById(graph, id).name, valueById(graph, id).type.shape]));
}

function refusal(
  bytes: Uint8Array,
  options: ReadOnnxOptions = {},
): { code: string; message: string; where: string; hint: string } {
  try {
    readOnnx(bytes, { name: "m.onnx", ...options });
  } catch (error) {
    const { code, message, where = "", hint = "" } = error as EspalierError;
    return { code, message, where, hint };
  }
  throw new Error("was read");
}

describe("open sizes", () => {
  it("an open first size is the batch, however it is written", () => {
    for (const open of ["batch", null, 0, -1])
      expect(shapes(add([{ name: "x", shape: [open, 3] }]))).toEqual({ x: ["N", 3] });
  });

  it("any other is refused with the input, the axis and the remedy", () => {
    const error = refusal(add([{ name: "x", shape: ["b", 3, "height", null] }]));
    expect(error).toEqual({
      code: "input",
      message: 'Size 2 of this input is open ("height")',
      where: 'm.onnx, input "x"',
      hint: "Choose it: --input x:1,3,SIZE,…",
    });
  });

  it("a size that is given for a name holds wherever the file has the name", () => {
    const bytes = add([
      { name: "x", shape: ["b", "t"] },
      { name: "h", shape: ["t"] },
    ]);
    expect(shapes(bytes, { inputShapes: { x: ["N", 7] } })).toEqual({ x: ["N", 7], h: [7] });
  });

  it("refuses what does not fit the file, and unknown inputs with the known ones", () => {
    const bytes = add([{ name: "x", shape: ["b", 3] }]);
    expect(refusal(bytes, { inputShapes: { x: [1, 4] } }).message).toBe("Size 1 is 3 in the file, 4 was given");
    expect(refusal(bytes, { inputShapes: { x: [1, 3, 1] } }).message).toBe("The input has 2 axes, 3 sizes were given");
    const unknown = refusal(bytes, { inputShapes: { y: [1] } });
    expect([unknown.code, unknown.message]).toEqual(["usage", 'The model has no input "y" to give a shape to']);
    expect(unknown.hint).toContain("Known: x.");
  });

  it("an input without a shape needs one", () => {
    const bytes = add([{ name: "x" }]);
    expect(refusal(bytes).message).toBe("The file does not state how many axes this input has");
    expect(shapes(bytes, { inputShapes: { x: [2, 3] } })).toEqual({ x: [2, 3] });
  });

  it("a model that mixes its batch with other sizes is read with a batch of one", () => {
    const nodes = [node("Reshape", ["x", "flat"], ["h"]), node("MatMul", ["h", "w"], ["y"])];
    const weights = { flat: int64s([1, -1]), w: float32([6, 2], new Float32Array(12)) };
    const bytes = modelBytes({ nodes, inputs: [{ name: "x", shape: ["b", 6] }], outputs: [{ name: "y" }], weights });
    expect(shapes(bytes)).toEqual({ x: [1, 6] });
  });
});

describe("bound inputs", () => {
  const bytes = add([
    { name: "x", shape: ["b", 3] },
    { name: "k", shape: [] },
  ]);

  it("become constants, and are no inputs any more", () => {
    const graph = readOnnx(bytes, { inputValues: { k: 2.5 } });
    expect(graph.inputs.map((id) => valueById(graph, id).name)).toEqual(["x"]);
    expect([...graph.values.values()].find(({ name }) => name === "k")?.data?.data).toEqual(Float32Array.of(2.5));
  });

  it("must have a value that fits", () => {
    expect(refusal(bytes, { inputValues: { k: [1, 2] } }).message).toBe(
      "The input has 1 elements (shape []), 2 were given",
    );
    expect(refusal(bytes, { inputValues: { z: 1 } }).message).toBe('The model has no input "z" to bind');
    const whole = add([
      { name: "x", dtype: "int64", shape: [1] },
      { name: "k", dtype: "int64", shape: [] },
    ]);
    expect(refusal(whole, { inputValues: { k: 1.5 } }).message).toBe("[1.5] is not a value of type int64");
  });
});

describe("names of the interface", () => {
  it("outputs keep theirs when they are inputs of another name, constants, or the same value twice", () => {
    const nodes = [node("Identity", ["x"], ["a"]), node("Relu", ["a"], ["b"]), node("Identity", ["b"], ["c"])];
    const outputs = ["a", "b", "c"].map((name) => ({ name }));
    const graph = readOnnx(modelBytes({ nodes, inputs: [{ name: "x", shape: [2] }], outputs }));
    expect(graph.outputs.map((id) => valueById(graph, id).name)).toEqual(["a", "b", "c"]);
  });

  it("names that the reader makes do not push those of the file aside", () => {
    const nodes = [node("BiasGelu", ["x", "b"], ["g"], {}, "com.microsoft"), node("Relu", ["g"], ["g.Add"])];
    const weights = { b: float32([2], [1, 2]) };
    const graph = readOnnx(
      modelBytes({ nodes, inputs: [{ name: "x", shape: [2] }], outputs: [{ name: "g.Add" }], weights }),
    );
    expect(graph.outputs.map((id) => valueById(graph, id).name)).toEqual(["g.Add"]);
  });
});

describe("operators that are refused", () => {
  const refused = (op: string, domain: string) =>
    refusal(
      modelBytes({
        nodes: [node(op, ["x"], ["y"], {}, domain)],
        inputs: [{ name: "x", shape: [2] }],
        outputs: [{ name: "y" }],
      }),
    );

  it("are named with their domain and node", () => {
    expect(refused("DecodeImage", "com.microsoft.extensions")).toMatchObject({
      code: "unsupported",
      message: 'Operator "DecodeImage" belongs to the domain "com.microsoft.extensions", which is not supported',
      where: 'm.onnx, node "y" (DecodeImage)',
    });
    const near = refused("FastGelo", "com.microsoft");
    expect(near.message).toBe('Operator "FastGelo" of the domain "com.microsoft" is not supported');
    expect(near.hint).toContain('Did you mean "FastGelu"?');
    expect(refused("constructor", "").message).toBe('Operator "constructor" is not supported');
    expect(refused("__proto__", "com.microsoft").code).toBe("unsupported");
  });

  it("do no harm where nothing reads them", () => {
    const nodes = [node("Relu", ["x"], ["y"]), node("Mystery", ["x"], ["unread"], {}, "elsewhere")];
    expect(shapes(modelBytes({ nodes, inputs: [{ name: "x", shape: [2] }], outputs: [{ name: "y" }] }))).toEqual({
      x: [2],
    });
  });
});
