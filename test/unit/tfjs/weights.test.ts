import { describe, expect, it } from "vitest";
import { openWeights } from "../../../src/formats/tfjs/weights.ts";
import { loadTfjs } from "../../../src/runtimes/tfjs.ts";
import { toHalfBits, toNumbers } from "../../../src/tensor/index.ts";
import { attr, encode, expectAgreement, type ModelFiles, randomTensor } from "./tfjs-models.ts";

type Spec = Parameters<typeof openWeights>[0][number]["weights"][number];

const one = (spec: Partial<Spec>, bytes: Uint8Array) =>
  openWeights(
    [{ paths: ["w"], weights: [{ name: "w", shape: [4], dtype: "float32", ...spec }] }],
    new Map([["w", bytes]]),
  );

const valuesOf = (spec: Partial<Spec>, bytes: Uint8Array) => [...toNumbers(one(spec, bytes).get("w")!)];

/** x + k, where k is stored as the specification says. */
function modelWith(spec: Partial<Spec>, parts: readonly Uint8Array[]): ModelFiles {
  const paths = parts.map((_, i) => `shard${i}`);
  const model = {
    format: "graph-model",
    modelTopology: {
      versions: {},
      node: [
        {
          name: "x",
          op: "Placeholder",
          attr: { dtype: attr.type("DT_FLOAT"), shape: { shape: { dim: [{ size: "4" }] } } },
        },
        { name: "k", op: "Const", attr: { dtype: attr.type("DT_FLOAT") } },
        { name: "y", op: "AddV2", input: ["x", "k"] },
      ],
    },
    weightsManifest: [{ paths, weights: [{ name: "k", shape: [4], dtype: "float32", ...spec }] }],
  };
  return { json: encode(model), files: new Map(parts.map((part, i) => [paths[i]!, part])) };
}

describe("weights", () => {
  const feeds = { x: randomTensor("float32", [4], "x") };
  const half = new Uint8Array(Uint16Array.from([0.5, -2, 65504, 1e-7], toHalfBits).buffer);

  it.each([
    [
      "uint8 with scale and minimum",
      { quantization: { dtype: "uint8", scale: 0.02, min: -1.5 } },
      Uint8Array.of(0, 7, 128, 255),
    ],
    [
      "uint16 with scale and minimum",
      { quantization: { dtype: "uint16", scale: 1e-4, min: -3 } },
      new Uint8Array(Uint16Array.of(0, 9, 40000, 65535).buffer),
    ],
    ["float16", { quantization: { dtype: "float16" } }, half],
    ["float32", {}, new Uint8Array(Float32Array.of(1, -2, 3.5, 1e-9).buffer)],
  ])("%s, as TensorFlow.js decodes them", async (_, spec, bytes) => {
    await expectAgreement(modelWith(spec, [bytes]), feeds);
    await expectAgreement(modelWith(spec, [bytes.slice(0, 3), bytes.slice(3)]), feeds); // a shard ends inside a number
  });

  it("decodes integers and bools", () => {
    expect(valuesOf({ dtype: "int32" }, new Uint8Array(Int32Array.of(-1, 2, 3, 2 ** 31 - 1).buffer))).toEqual([
      -1,
      2,
      3,
      2 ** 31 - 1,
    ]);
    expect(valuesOf({ dtype: "bool" }, Uint8Array.of(0, 1, 2, 0))).toEqual([0, 1, 1, 0]);
    expect(
      valuesOf({ dtype: "int32", quantization: { dtype: "uint8", scale: 0.5, min: -2 } }, Uint8Array.of(0, 1, 4, 9)),
    ).toEqual([-2, -1, 0, 3]);
  });

  it("steps over strings, whose lengths are in the data", () => {
    const text = Uint8Array.of(2, 0, 0, 0, 0x61, 0x62, 1, 0, 0, 0, 0x63);
    const bytes = new Uint8Array([...text, ...new Uint8Array(Float32Array.of(7).buffer)]);
    const weights = [
      { name: "s", shape: [2], dtype: "string" },
      { name: "f", shape: [1], dtype: "float32" },
    ];
    const opened = openWeights([{ paths: ["w"], weights }], new Map([["w", bytes]]));
    expect([...toNumbers(opened.get("f")!)]).toEqual([7]);
    expect(() => opened.get("s")).toThrow("holds strings");
  });

  it.each([
    ["too few bytes", {}, new Uint8Array(15), "needs bytes 0 to 16 of its files, which have 15"],
    ["too many bytes", {}, new Uint8Array(17), "have 17 bytes, their weights need 16"],
    ["a shape beyond the file", { shape: [2 ** 31, 2 ** 31] }, new Uint8Array(16), "which have 16"],
    ["an unknown type", { dtype: "complex64" }, new Uint8Array(16), "Weights of type complex64"],
    ["an unknown quantisation", { quantization: { dtype: "int4" } }, new Uint8Array(16), "Weights of type int4"],
    [
      "a string that ends beyond the file",
      { dtype: "string", shape: [1] },
      Uint8Array.of(255, 255, 255, 255),
      "which have 4",
    ],
    ["strings without end", { dtype: "string", shape: [2 ** 31] }, new Uint8Array(8), "end inside string 2"],
  ])("refuses %s before it allocates", (_, spec, bytes, message) => {
    expect(() => one(spec, bytes)).toThrow(message);
  });

  it("refuses a quantisation without its numbers, a missing shard and a name twice", () => {
    expect(() => one({ quantization: { dtype: "uint8" } }, new Uint8Array(4)).get("w")).toThrow("with scale and min");
    expect(() => openWeights([{ paths: ["w"], weights: [] }], new Map())).toThrow('"w" is missing');
    const twice = { name: "w", shape: [1], dtype: "float32" };
    expect(() => openWeights([{ paths: ["w"], weights: [twice, twice] }], new Map([["w", new Uint8Array(8)]]))).toThrow(
      "Two weights",
    );
  });

  it("loads in TensorFlow.js from several shards", async () => {
    const { json, files } = modelWith({}, [new Uint8Array(8), new Uint8Array(8)]);
    const session = await loadTfjs(json, files);
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", shape: [4] }]);
    session.close();
  });
});
