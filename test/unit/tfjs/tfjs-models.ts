import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { expect } from "vitest";
import { readTfjs } from "../../../src/formats/tfjs/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { loadTfjs } from "../../../src/runtimes/tfjs.ts";
import { bytesOf, fromNumbers, seededRandom, sizeOf, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

/** A model as files: model.json and its shards. */
export interface ModelFiles {
  readonly json: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Uniform in [low, high); integers for integer types, 0 or 1 for bool. */
export function randomTensor(
  dtype: Tensor["dtype"],
  shape: readonly number[],
  label: string,
  low = -1,
  high = 1,
): Tensor {
  const random = seededRandom(11, label);
  const draw = () => low + (high - low) * random.next();
  const value = dtype === "bool" ? () => random.below(2) : dtype === "float32" ? draw : () => Math.floor(draw());
  return fromNumbers(dtype, shape, Float64Array.from({ length: sizeOf(shape) }, value));
}

/** Gives a layers model seeded weights (variances positive) and saves it as model.json and one shard. */
export async function saveLayers(model: LayersModel, label: string): Promise<ModelFiles> {
  const random = seededRandom(3, label);
  const names = model.weights.map((weight) => weight.originalName);
  const values = model.getWeights().map((weight, i) => {
    const positive = /variance|gamma/.test(names[i]!);
    return tf.tensor(
      Float32Array.from({ length: weight.size }, () => (positive ? 0.5 + random.next() : random.next() - 0.5)),
      weight.shape,
    );
  });
  model.setWeights(values);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  const { modelTopology, weightSpecs, weightData } = saved!;
  const data = new Uint8Array(weightData as ArrayBuffer);
  const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
  return {
    json: encode({ format: "layers-model", modelTopology, weightsManifest }),
    files: new Map([["weights.bin", data]]),
  };
}

type Attribute = Readonly<Record<string, unknown>>;
/** Spellings of NodeDef attributes. */
export const attr = {
  int: (value: number): Attribute => ({ i: String(value) }),
  float: (value: number): Attribute => ({ f: value }),
  bool: (value: boolean): Attribute => ({ b: value }),
  text: (value: string): Attribute => ({ s: Buffer.from(value).toString("base64") }),
  ints: (...values: number[]): Attribute => ({ list: { i: values.map(String) } }),
  texts: (...values: string[]): Attribute => ({
    list: { s: values.map((value) => Buffer.from(value).toString("base64")) },
  }),
  type: (value: string): Attribute => ({ type: value }),
};

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Attribute>>;
}

const tfTypes: Readonly<Record<string, string>> = { float32: "DT_FLOAT", int32: "DT_INT32", bool: "DT_BOOL" };

export interface GraphParts {
  readonly inputs: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[] }>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly GraphNode[];
  /** References of the outputs, such as "y" or "y:1". */
  readonly outputs: readonly string[];
}

/** A GraphModel written by hand, with one shard. */
export function graphModel({ inputs, constants = {}, nodes, outputs }: GraphParts): ModelFiles {
  const shape = (sizes: readonly number[]) => ({ dim: sizes.map((size) => ({ size: String(size) })) });
  const placeholders = Object.entries(inputs).map(([name, { dtype, shape: sizes }]) => ({
    name,
    op: "Placeholder",
    attr: { dtype: { type: tfTypes[dtype] ?? dtype }, shape: { shape: shape(sizes) } },
  }));
  const consts = Object.entries(constants).map(([name, t]) => ({
    name,
    op: "Const",
    attr: { dtype: { type: tfTypes[t.dtype] } },
  }));
  const list = Object.entries(constants);
  const bytes = Buffer.concat(list.map(([, t]) => bytesOf(t)));
  const ports = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, { name: name.includes(":") ? name : `${name}:0` }]));
  const model = {
    format: "graph-model",
    signature: { inputs: ports(Object.keys(inputs)), outputs: ports(outputs) },
    modelTopology: { node: [...placeholders, ...consts, ...nodes], versions: {} },
    weightsManifest: [
      { paths: ["w.bin"], weights: list.map(([name, t]) => ({ name, shape: t.shape, dtype: t.dtype })) },
    ],
  };
  return { json: encode(model), files: new Map([["w.bin", new Uint8Array(bytes)]]) };
}

/** Reads a model and returns the graph. */
export function read({ json, files }: ModelFiles): Graph {
  return readTfjs(json, { files });
}

/** Runs a model in TensorFlow.js and, as we read it, in ONNX Runtime: outputs must agree within 1e-4 of the largest one. */
export async function expectAgreement(model: ModelFiles, feeds: Readonly<Record<string, Tensor>>): Promise<Graph> {
  const graph = read(model);
  const session = await loadTfjs(model.json, model.files);
  const ort = await openOrt(graph, { threads: 1 });
  try {
    const wanted = await session.run(feeds);
    const got = await ort.run(feeds);
    expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, reference] of Object.entries(wanted)) {
      const own = got[name]!;
      expect([name, own.dtype, ...own.shape]).toEqual([name, reference.dtype, ...reference.shape]);
      const [a, b] = [toNumbers(reference), toNumbers(own)];
      const largest = a.reduce(
        (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
        1e-6,
      );
      a.forEach((value, i) => {
        if (Number.isFinite(value))
          expect(Math.abs(b[i]! - value) / largest, `${name}[${i}]: ${value} and ${b[i]}`).toBeLessThan(1e-4);
        else expect(b[i]).toBe(value);
      });
    }
    return graph;
  } finally {
    session.close();
    await ort.close();
  }
}
