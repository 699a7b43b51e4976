import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeTflite, tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { modelMetadata } from "../../../src/formats/tflite/metadata.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { fileInZip } from "../../../src/formats/tflite/read/unzip.ts";
import { storedZip } from "../../../src/formats/tflite/zip.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { float32, scalar, toNumbers } from "../../../src/tensor/index.ts";
import { tinyFloatModel } from "../tflite/tiny-models.ts";
import { bytesAsStated, type ModelSpec, runGraph } from "./models.ts";

const interfaceOf = (graph: Graph) => ({
  inputs: graph.inputs.map((id) => [valueById(graph, id).name, valueById(graph, id).type.shape]),
  outputs: graph.outputs.map((id) => [valueById(graph, id).name, valueById(graph, id).type.shape]),
});

describe("open sizes", () => {
  const open = (signature: readonly number[], target: readonly number[]): ModelSpec => ({
    tensors: {
      x: { shape: signature.map((dim) => Math.max(dim, 1)), rest: { shapeSignature: signature } },
      shape: { dtype: "int32", data: target },
      y: { shape: [1, 6] },
    },
    inputs: ["x"],
    operators: [{ op: "RESHAPE", inputs: ["x", "shape"], outputs: ["y"], options: tfliteOptions("ReshapeOptions") }],
  });

  it("become the batch N on the first axis", () => {
    const graph = readTflite(bytesAsStated(open([-1, 2, 3], [-1, 6])));
    expect(interfaceOf(graph)).toEqual({ inputs: [["x", ["N", 2, 3]]], outputs: [["y", ["N", 6]]] });
  });

  it("are 1 where the model fixes the batch in its computation", () => {
    const graph = readTflite(bytesAsStated(open([-1, 2, 3], [1, 6])));
    expect(interfaceOf(graph)).toEqual({ inputs: [["x", [1, 2, 3]]], outputs: [["y", [1, 6]]] });
  });

  it("take the shape that is asked for", () => {
    const graph = readTflite(bytesAsStated(open([-1, 2, -1], [-1, 6])), { inputShapes: { x: [4, 2, 3] } });
    expect(interfaceOf(graph).outputs).toEqual([["y", [4, 6]]]);
  });

  it("are refused elsewhere with the flag that states them", () => {
    expect(() => readTflite(bytesAsStated(open([-1, 2, -1], [-1, 6])))).toThrow(
      expect.objectContaining({
        message: 'Input "x" has an open size on axis 2',
        hint: "State it: --input x:1,2,SIZE",
      }),
    );
    expect(() => readTflite(bytesAsStated(open([-1, 2, 3], [-1, 6])), { inputShapes: { x: [1, 2] } })).toThrow(
      /has 3 axes/,
    );
    expect(() => readTflite(bytesAsStated(open([-1, 2, 3], [-1, 6])), { inputShapes: { z: [1] } })).toThrow(
      /no input "z"/,
    );
  });
});

it("folds a reshape to sizes that the model computes from a shape", () => {
  const graph = readTflite(
    bytesAsStated({
      tensors: {
        x: { shape: [1, 2, 3], rest: { shapeSignature: [-1, 2, 3] } },
        shape: { dtype: "int32", shape: [3] },
        b: { dtype: "int32", data: [0] },
        e: { dtype: "int32", data: [1] },
        s: { dtype: "int32", data: [1] },
        batch: { dtype: "int32", shape: [] },
        six: { dtype: "int32", shape: [], data: [6] },
        target: { dtype: "int32", shape: [2] },
        y: { shape: [1, 6] },
      },
      inputs: ["x"],
      outputs: ["y"],
      operators: [
        { op: "SHAPE", inputs: ["x"], outputs: ["shape"], options: tfliteOptions("ShapeOptions") },
        {
          op: "STRIDED_SLICE",
          inputs: ["shape", "b", "e", "s"],
          outputs: ["batch"],
          options: tfliteOptions("StridedSliceOptions", { shrinkAxisMask: 1 }),
        },
        {
          op: "PACK",
          inputs: ["batch", "six"],
          outputs: ["target"],
          options: tfliteOptions("PackOptions", { valuesCount: 2 }),
        },
        { op: "RESHAPE", inputs: ["x", "target"], outputs: ["y"], options: tfliteOptions("ReshapeOptions") },
      ],
    }),
  );
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Reshape"]);
  expect(interfaceOf(graph).outputs).toEqual([["y", ["N", 6]]]);
});

it("gives outputs that are inputs, repeated or constant values of their own", async () => {
  const graph = readTflite(
    bytesAsStated({
      tensors: { x: { shape: [2] }, c: { shape: [2], data: [5, 6] }, y: { shape: [2] } },
      inputs: ["x"],
      outputs: ["x", "y", "y", "c"],
      operators: [{ op: "ADD", inputs: ["x", "c"], outputs: ["y"], options: tfliteOptions("AddOptions") }],
    }),
  );
  const found = await runGraph(graph, [float32([2], [1, 2])]);
  expect(found.map((t) => [...toNumbers(t)])).toEqual([
    [1, 2],
    [6, 8],
    [6, 8],
    [5, 6],
  ]);
});

it("binds an input to a value", () => {
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [4] },
      k: { shape: [], dtype: "int32" },
      top: { shape: [1] },
      places: { shape: [1], dtype: "int32" },
    },
    inputs: ["x", "k"],
    operators: [{ op: "TOPK_V2", inputs: ["x", "k"], outputs: ["top", "places"] }],
  };
  expect(() => readTflite(bytesAsStated(spec))).toThrow(/TOPK_V2 needs its input 1 "k" to be a constant/);
  const graph = readTflite(bytesAsStated(spec), { inputValues: { k: scalar("int32", 3) } });
  expect(interfaceOf(graph)).toEqual({
    inputs: [["x", [4]]],
    outputs: [
      ["top", [3]],
      ["places", [3]],
    ],
  });
});

describe("metadata", () => {
  const described = (compress: boolean) => {
    const model = tinyFloatModel();
    const side = (name: string, shape: readonly number[], layout: readonly number[]) =>
      ({ name, shape, layout, dtype: "float32" }) as never;
    const { entry, files } = modelMetadata(
      {
        name: "Digits",
        author: "Somebody",
        labels: ["zero", "one", "two", "three"],
        normalisation: { mean: [0.5], std: [0.25] },
      },
      [side("image", [1, 5, 4, 1], [0, 2, 3, 1])],
      [side("scores", [1, 4], [0, 1])],
    );
    const bytes = encodeTflite({ ...model, metadata: [...model.metadata, entry] });
    return new Uint8Array(
      Buffer.concat([
        bytes,
        compress ? deflated(files[0]!.name, files[0]!.bytes, bytes.length) : storedZip(files, bytes.length),
      ]),
    );
  };

  it.each([false, true])("keeps names, labels and normalisation (compressed: %s)", (compress) => {
    const { metadata } = readTflite(described(compress));
    expect(metadata["tflite.metadata.name"]).toBe("Digits");
    expect(metadata["tflite.metadata.author"]).toBe("Somebody");
    expect(metadata["tflite.min_runtime_version"]).toBe("1.5.0");
    expect(JSON.parse(metadata["espalier.labels"]!)).toEqual(["zero", "one", "two", "three"]);
    expect(JSON.parse(metadata["espalier.normalisation"]!)).toEqual({ mean: [0.5], std: [0.25] });
    expect(JSON.parse(metadata["tflite.signatures"]!)[0].inputs).toEqual({ image: "image" });
  });

  it("does not let damaged metadata stop the model", () => {
    const model = tinyFloatModel();
    const bytes = encodeTflite({
      ...model,
      metadata: [{ name: "TFLITE_METADATA", bytes: new Uint8Array(40).fill(77) }],
    });
    expect(readTflite(bytes).metadata["tflite.metadata.error"]).toMatch(/File identifier/);
  });

  it("refuses an archive that says more than it holds", () => {
    const zip = storedZip([{ name: "labels.txt", bytes: new Uint8Array(10) }], 0);
    expect(fileInZip(zip, "labels.txt", 100)?.length).toBe(10);
    expect(fileInZip(zip, "other.txt", 100)).toBeNull();
    expect(() => fileInZip(zip, "labels.txt", 5)).toThrow(/at most 5 are read/);
    const broken = zip.slice();
    broken.fill(0, 0, 8);
    expect(() => fileInZip(broken, "labels.txt", 100)).toThrow(/no file at byte 0/);
  });
});

/** One compressed file as a ZIP archive behind `offset` bytes. */
function deflated(name: string, bytes: Uint8Array, offset: number): Buffer {
  const data = deflateRawSync(bytes);
  const zip = Buffer.from(storedZip([{ name, bytes: data }], offset));
  const central = zip.indexOf("PK\x01\x02", 0, "latin1");
  zip.writeUInt16LE(8, 8);
  zip.writeUInt16LE(8, central + 10);
  zip.writeUInt32LE(bytes.length, 22);
  zip.writeUInt32LE(bytes.length, central + 24);
  return zip;
}

it("lists TFLite operators that are read", async () => {
  const { TFLITE_READ } = await import("../../../src/formats/tflite/read/index.ts");
  expect(TFLITE_READ.CONV_2D).toEqual(["Conv"]);
  expect(Object.keys(TFLITE_READ).length).toBeGreaterThan(110);
  expect(TFLITE_READ.WHERE).toBeUndefined();
});
