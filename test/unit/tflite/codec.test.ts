import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import {
  decodeTflite,
  encodeTflite,
  optionsAs,
  type TfliteModel,
  tfliteByteLength,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { CORPUS_MISSING, corpusFiles, corpusFolder } from "./corpus.ts";
import { tinyFloatModel, tinyInt8Model } from "./tiny-models.ts";

const MODELS = { "tiny-float.tflite": tinyFloatModel, "tiny-int8.tflite": tinyInt8Model } as const;

/** A tensor's fields in another model, for tests that break one thing. */
function withTensor(model: TfliteModel, index: number, change: Partial<TfliteModel["subgraphs"][0]["tensors"][0]>) {
  const [subgraph] = model.subgraphs;
  const tensors = subgraph!.tensors.map((tensor, i) => (i === index ? { ...tensor, ...change } : tensor));
  return { ...model, subgraphs: [{ ...subgraph!, tensors }] };
}

function failure(action: () => unknown): EspalierError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(EspalierError);
    return error as EspalierError;
  }
  throw new Error("nothing was thrown");
}

describe.each(Object.entries(MODELS))("%s", (file, build) => {
  const path = new URL(`../../fixtures/tflite/${file}`, import.meta.url);

  it("encodes to the committed bytes", () => {
    expect(Buffer.from(encodeTflite(build())).equals(readFileSync(path))).toBe(true);
  });

  it("decodes to what was encoded, with the versions filled in", () => {
    const decoded = decodeTflite(readFileSync(path));
    const versions = decoded.subgraphs[0]!.operators.map((operator) => operator.version);
    expect(versions).toEqual(file === "tiny-int8.tflite" ? [3, 1, 4] : [1, 1, 1]);
    const stripped = decoded.subgraphs.map((subgraph) => ({
      ...subgraph,
      operators: subgraph.operators.map(({ version: _, ...operator }) => operator),
    }));
    const { buffers, ...rest } = build();
    // Metadata that has no buffer of its own is appended as one.
    expect({ ...decoded, subgraphs: stripped, buffers: decoded.buffers.slice(0, -1) }).toEqual({ ...rest, buffers });
  });

  it("aligns constant data to 16 bytes and keeps buffer 0 empty", () => {
    const bytes = new Uint8Array(readFileSync(path));
    const { buffers } = decodeTflite(bytes);
    expect(buffers[0]).toHaveLength(0);
    for (const buffer of buffers.slice(1)) expect((buffer.byteOffset - bytes.byteOffset) % 16).toBe(0);
    expect(new TextDecoder().decode(bytes.subarray(4, 8))).toBe("TFL3");
  });
});

describe("encodeTflite", () => {
  it("writes operators beyond 127 with the placeholder in the old field", () => {
    const tensor = { shape: [1, 4], dtype: "float32", buffer: 0 } as const;
    const model: TfliteModel = {
      version: 3,
      description: "",
      buffers: [new Uint8Array(0)],
      metadata: [],
      signatures: [],
      subgraphs: [
        {
          tensors: [
            { ...tensor, name: "x" },
            { ...tensor, name: "y" },
          ],
          inputs: [0],
          outputs: [1],
          operators: [
            { opcode: "GELU", inputs: [0], outputs: [1], options: tfliteOptions("GeluOptions", { approximate: true }) },
          ],
        },
      ],
    };
    const bytes = encodeTflite(model);
    const [operator] = decodeTflite(bytes).subgraphs[0]!.operators;
    expect(operator).toMatchObject({ opcode: "GELU", options: { type: "GeluOptions", approximate: true } });
    expect(optionsAs(operator!, "GeluOptions").approximate).toBe(true);
    expect(failure(() => optionsAs(operator!, "AddOptions")).message).toBe("GELU has GeluOptions, expected AddOptions");
  });

  it("gives one operator code to all uses of an operator, with the highest version needed", () => {
    const model = tinyFloatModel();
    const subgraph = model.subgraphs[0]!;
    const [conv, ...others] = subgraph.operators;
    const dilated = { ...conv!, options: tfliteOptions("DepthwiseConv2DOptions", { dilationWFactor: 2 }) };
    const both = [
      { ...dilated, opcode: "DEPTHWISE_CONV_2D" as const },
      { ...conv!, opcode: "DEPTHWISE_CONV_2D" as const, options: tfliteOptions("DepthwiseConv2DOptions") },
    ];
    const decoded = decodeTflite(
      encodeTflite({ ...model, subgraphs: [{ ...subgraph, operators: [...both, ...others] }] }),
    );
    expect(decoded.subgraphs[0]!.operators.map((operator) => operator.version)).toEqual([2, 2, 1, 1]);
  });

  it("refuses a field that the options do not have", () => {
    const model = tinyFloatModel();
    const subgraph = model.subgraphs[0]!;
    const options = { ...tfliteOptions("SoftmaxOptions"), bata: 1 };
    const operators = [{ opcode: "SOFTMAX" as const, inputs: [0], outputs: [3], options }];
    const error = failure(() => encodeTflite({ ...model, subgraphs: [{ ...subgraph, operators }] }));
    expect(error).toMatchObject({ code: "internal", message: "internal: SoftmaxOptions has no field bata" });
  });

  it.each([
    ["a constant of the wrong size", { shape: [3, 3, 3, 4] }, "needs 432 bytes, its buffer has 216"],
    ["a buffer that is not there", { buffer: 99 }, "Refers to buffer 99, there are 6"],
    ["a negative dimension", { shape: [-2] }, "has a dimension of -2"],
    [
      "a scale for each of the wrong axis",
      { quantization: { scales: [1, 2], zeroPoints: [0, 0], quantizedDimension: 0 } },
      "2 scales along dimension 0 of shape [3, 3, 3, 2]",
    ],
    [
      "a scale that is not finite",
      { quantization: { scales: [Number.NaN], zeroPoints: [0], quantizedDimension: 0 } },
      "Scale NaN",
    ],
  ] as const)("refuses %s", (_, change, message) => {
    const error = failure(() => encodeTflite(withTensor(tinyFloatModel(), 1, change)));
    expect(error.code).toBe("input");
    expect(error.message).toContain(message);
    expect(error.where).toBe('subgraph 0, tensor 1 "conv/weight"');
  });

  it("knows packed element types", () => {
    expect(tfliteByteLength("int4", [3, 3])).toBe(5);
    expect(tfliteByteLength("int64", [])).toBe(8);
    expect(tfliteByteLength("string", [4])).toBeNull();
  });
});

describe.skipIf(corpusFolder === null)(`models by others (${CORPUS_MISSING})`, () => {
  it.each(corpusFiles("tflite", "tflm-synth").filter((file) => file.name !== "neg_tflm_person_detect_int8.tflite"))(
    "$name survives decoding and encoding",
    ({ read }) => {
      const model = decodeTflite(read());
      const encoded = encodeTflite(model);
      const again = decodeTflite(encoded);
      expect(sameModel(again, model)).toBe(true);
      expect(Buffer.from(encodeTflite(again)).equals(Buffer.from(encoded))).toBe(true);
    },
  );

  it("refuses a quantised dimension beyond the tensor's rank", () => {
    const [file] = corpusFiles("tflite").filter(({ name }) => name === "neg_tflm_person_detect_int8.tflite");
    expect(failure(() => decodeTflite(file!.read())).message).toBe("8 scales along dimension 3 of shape [8]");
  });
});

/** Equality without printing megabytes of weights on failure. */
function sameModel(a: TfliteModel, b: TfliteModel): boolean {
  const text = (model: TfliteModel) =>
    JSON.stringify(model, (_, value: unknown) =>
      value instanceof Uint8Array
        ? Buffer.from(value).toString("base64")
        : typeof value === "bigint"
          ? `${value}n`
          : value,
    );
  return text(a) === text(b);
}
