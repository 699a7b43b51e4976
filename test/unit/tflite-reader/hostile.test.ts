import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import {
  type BuiltinOperator,
  encodeTflite,
  type TfliteModel,
  type TfliteSubgraph,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { tinyFloatModel, tinyInt8Model } from "../tflite/tiny-models.ts";
import { bytesAsStated, type ModelSpec, type OperatorSpec } from "./models.ts";
import { lstmModel, svdfModel } from "./recurrent-models.ts";

const unary = (op: OperatorSpec["op"], extra: Partial<OperatorSpec> = {}): ModelSpec => ({
  tensors: { x: { shape: [2, 2] }, y: { shape: [2, 2] } },
  inputs: ["x"],
  operators: [{ op, inputs: ["x"], outputs: ["y"], ...extra }],
});

function refusal(bytes: Uint8Array): EspalierError {
  try {
    readTflite(bytes);
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error("The file was read");
}

describe("what cannot be read", () => {
  it("names a custom operator", () => {
    const error = refusal(bytesAsStated(unary("CUSTOM", { customCode: "TFLite_Detection_PostProcess" })));
    expect(error.code).toBe("unsupported");
    expect(error.message).toContain('"TFLite_Detection_PostProcess"');
    expect(error.where).toContain("operator 0");
  });

  it("names a builtin operator that has no reader", () => {
    const error = refusal(bytesAsStated(unary("HASHTABLE_SIZE")));
    expect([error.code, error.message]).toEqual(["unsupported", "The TFLite operator HASHTABLE_SIZE is not supported"]);
  });

  it("names control flow and the tensor that decides", () => {
    const model = (options: OperatorSpec["options"], op: OperatorSpec["op"]) =>
      bytesAsStated({
        tensors: { c: { shape: [1], dtype: "bool" }, x: { shape: [2] }, y: { shape: [2] } },
        inputs: ["c", "x"],
        operators: [{ op, inputs: ["c", "x"], outputs: ["y"], options: options! }],
      });
    const branch = refusal(model(tfliteOptions("IfOptions", { thenSubgraphIndex: 0, elseSubgraphIndex: 0 }), "IF"));
    expect(branch.message).toMatch(/^IF chooses between subgraphs 0 and 0 by "c"/);
    const loop = refusal(model(tfliteOptions("WhileOptions", { condSubgraphIndex: 0, bodySubgraphIndex: 0 }), "WHILE"));
    expect(loop.message).toMatch(/^WHILE repeats subgraph 0/);
  });

  it("names shapes that depend on data", () => {
    expect(refusal(bytesAsStated(unary("WHERE"))).message).toMatch(/^WHERE gives as many/);
  });
});

describe("malformed graphs", () => {
  it.each<[string, ModelSpec, RegExp]>([
    [
      "read before they write",
      { ...unary("ABS"), operators: [{ op: "ABS", inputs: ["y"], outputs: ["x"] }], inputs: [] },
      /read before it is computed/,
    ],
    [
      "write twice",
      { ...unary("ABS"), operators: [1, 2].map(() => ({ op: "ABS" as const, inputs: ["x"], outputs: ["y"] })) },
      /computed twice/,
    ],
    [
      "write an input",
      { ...unary("ABS"), operators: [{ op: "ABS", inputs: ["x"], outputs: ["x"] }] },
      /computed twice/,
    ],
    ["leave out an operand", unary("ABS", { inputs: [] }), /no input 0/],
    ["leave out an output", unary("ABS", { outputs: [] }), /no output 0/],
    ["have a stride of 0", convolution({ strideH: 0, strideW: 1 }), /stride, dilation or kernel of 0/],
    ["reduce an axis that is not there", reduction([7]), /Axis 7 is outside a tensor of rank 2/],
    ["have a scale of 0", quantizing(0), /scale 0/],
  ])("that %s are refused", (_, spec, message) => {
    expect(refusal(bytesAsStated(spec)).message).toMatch(message);
  });

  function convolution(options: { strideH: number; strideW: number }): ModelSpec {
    return {
      tensors: {
        x: { shape: [1, 4, 4, 1] },
        w: { shape: [1, 2, 2, 1], data: [1, 1, 1, 1] },
        y: { shape: [1, 4, 4, 1] },
      },
      inputs: ["x"],
      operators: [
        { op: "CONV_2D", inputs: ["x", "w", null], outputs: ["y"], options: tfliteOptions("Conv2DOptions", options) },
      ],
    };
  }
  function reduction(axes: number[]): ModelSpec {
    return {
      tensors: { x: { shape: [2, 2] }, axes: { dtype: "int32", data: axes }, y: { shape: [2, 1] } },
      inputs: ["x"],
      operators: [{ op: "SUM", inputs: ["x", "axes"], outputs: ["y"], options: tfliteOptions("ReducerOptions") }],
    };
  }
  function quantizing(scale: number): ModelSpec {
    return {
      tensors: {
        x: { shape: [2] },
        y: {
          shape: [2],
          dtype: "int8",
          rest: { quantization: { scales: [scale], zeroPoints: [0], quantizedDimension: 0 } },
        },
      },
      inputs: ["x"],
      operators: [{ op: "QUANTIZE", inputs: ["x"], outputs: ["y"] }],
    };
  }
});

describe("sizes out of proportion", () => {
  const int = (data: number[], shape = [data.length]) => ({ dtype: "int32" as const, data, shape });
  it.each<[string, ModelSpec]>([
    [
      "FILL",
      {
        tensors: {
          x: { shape: [1] },
          dims: int([50000, 50000]),
          v: { shape: [], data: [1] },
          f: {},
          y: { shape: [1] },
        },
        inputs: ["x"],
        outputs: ["y"],
        operators: [
          { op: "FILL", inputs: ["dims", "v"], outputs: ["f"] },
          { op: "ADD", inputs: ["x", "f"], outputs: ["y"], options: tfliteOptions("AddOptions") },
        ],
      },
    ],
    [
      "RANGE",
      {
        tensors: { a: int([0], []), b: int([2 ** 31 - 1], []), c: int([1], []), y: { shape: [1], dtype: "int32" } },
        inputs: [],
        operators: [{ op: "RANGE", inputs: ["a", "b", "c"], outputs: ["y"] }],
      },
    ],
    [
      "a variable",
      {
        tensors: { x: { shape: [1] }, v: { shape: [2 ** 20, 2 ** 10], rest: { isVariable: true } }, y: { shape: [1] } },
        inputs: ["x"],
        operators: [{ op: "ADD", inputs: ["x", "v"], outputs: ["y"], options: tfliteOptions("AddOptions") }],
      },
    ],
    [
      "a sequence",
      (() => {
        const { spec } = lstmModel({ coupled: true });
        return { ...spec, tensors: { ...spec.tensors, x: { shape: [2, 1_000_000, 4] } } };
      })(),
    ],
  ])("of %s do not take memory", (_, spec) => {
    const before = process.memoryUsage().rss;
    try {
      readTflite(bytesAsStated(spec));
    } catch (error) {
      if (!(error instanceof EspalierError)) throw error;
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });
});

describe("subgraphs", () => {
  const call = (subgraph: number) => ({
    opcode: "CALL" as BuiltinOperator,
    inputs: [0],
    outputs: [1],
    options: tfliteOptions("CallOptions", { subgraph }),
  });
  const sub = (operators: TfliteSubgraph["operators"], tensors = 2): TfliteSubgraph => ({
    tensors: Array.from({ length: tensors }, (_, i) => ({
      name: `t${i}`,
      shape: [2],
      dtype: "float32" as const,
      buffer: 0,
    })),
    inputs: [0],
    outputs: [1],
    operators,
  });
  const model = (subgraphs: TfliteSubgraph[]): TfliteModel => ({
    version: 3,
    description: "",
    buffers: [new Uint8Array(0)],
    metadata: [],
    signatures: [],
    subgraphs,
  });
  const abs = { opcode: "ABS" as BuiltinOperator, inputs: [0], outputs: [1] };

  it("are read where they are called", () => {
    expect(readTflite(encodeTflite(model([sub([call(1)]), sub([abs])]))).nodes.map(({ op }) => op)).toEqual(["Abs"]);
  });

  it("that call themselves are refused", () => {
    expect(refusal(encodeTflite(model([sub([call(1)]), sub([call(1)])]))).message).toMatch(/more than 16 deep/);
  });

  it("that grow without measure by calling others are refused", () => {
    const twice = (next: number): TfliteSubgraph => {
      const { opcode } = call(next);
      const options = tfliteOptions("CallOptions", { subgraph: next });
      const calls = Array.from({ length: 8 }, (_, k) => ({
        opcode,
        inputs: [k === 0 ? 0 : k + 1],
        outputs: [k === 7 ? 1 : k + 2],
        options,
      }));
      return sub(calls, 9);
    };
    const levels = Array.from({ length: 9 }, (_, level) => twice(level + 1));
    expect(refusal(encodeTflite(model([...levels, sub([abs])]))).message).toMatch(/more than 100000 operators/);
  });

  it("that initialise nothing are left out, others are refused", () => {
    const once = {
      opcode: "CALL_ONCE" as BuiltinOperator,
      inputs: [],
      outputs: [],
      options: tfliteOptions("CallOnceOptions", { initSubgraphIndex: 1 }),
    };
    const empty = { ...sub([]), inputs: [], outputs: [] };
    expect(readTflite(encodeTflite(model([sub([once, abs]), empty]))).nodes.length).toBe(1);
    expect(refusal(encodeTflite(model([sub([once, abs]), { ...sub([abs]), outputs: [] }]))).message).toMatch(/has ABS/);
  });
});

/** Copies of a file with one to four changed places: bytes, words or spans of zeros. */
function* mutations(bytes: Uint8Array, count: number, label: string): Generator<Uint8Array> {
  const random = seededRandom(17, label);
  const words = [0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length];
  for (let n = 0; n < count; n++) {
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    for (let change = random.below(4); change >= 0; change--) {
      const at = random.below(bytes.length - 4);
      const kind = random.below(3);
      if (kind === 0) copy[at] = random.below(256);
      if (kind === 1) view.setUint32(at - (at % 4), words[random.below(words.length)]!, true);
      if (kind === 2) copy.fill(0, at, at + random.below(12));
    }
    yield copy;
  }
}

it.each<[string, Uint8Array]>([
  ["float", encodeTflite(tinyFloatModel())],
  ["int8", encodeTflite(tinyInt8Model())],
  ["LSTM", bytesAsStated(lstmModel({ peepholes: true }).spec)],
  ["SVDF", bytesAsStated(svdfModel().spec)],
])("a damaged %s file gives a graph or an EspalierError", (label, bytes) => {
  const tally = { read: 0, refused: 0 };
  for (const copy of mutations(bytes, 200, label)) {
    try {
      readTflite(copy);
      tally.read++;
    } catch (error) {
      if (!(error instanceof EspalierError) || error.code === "internal") throw error;
      tally.refused++;
    }
  }
  expect(tally.read).toBeGreaterThan(10);
  expect(tally.refused).toBeGreaterThan(10);
});
