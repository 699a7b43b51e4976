import type { GraphModel } from "@tensorflow/tfjs-converter";
import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { EspalierError } from "../../diagnostics/index.ts";
import { distinctNames, type TfjsPort, tfjsBoundary } from "../../formats/tfjs/index.ts";
import type { TfjsEngine } from "./engine.ts";
import { dtypeFromTfjs, type TfjsTensorInfo } from "./tensors.ts";

/** A model in TensorFlow.js behind one interface for both kinds. */
export interface LoadedModel {
  readonly inputs: readonly TfjsTensorInfo[];
  readonly outputs: readonly TfjsTensorInfo[];
  /** Inputs and outputs in the order of `inputs` and `outputs`. */
  execute(inputs: tf.Tensor[]): Promise<readonly tf.Tensor[]>;
  dispose(): void;
}

/** Hands over what is in memory; TF.js would fetch it. */
function handlerOf(core: typeof tf, json: Uint8Array, files: ReadonlyMap<string, Uint8Array>): tf.io.IOHandler {
  return {
    load: () => {
      const model = JSON.parse(new TextDecoder().decode(json)) as tf.io.ModelJSON;
      return core.io.getModelArtifactsForJSON(model, async (manifest) => {
        const specs = manifest.flatMap((group) => group.weights);
        const parts = manifest
          .flatMap((group) => group.paths)
          .map((path) => {
            const part = files.get(path);
            if (part === undefined)
              throw new EspalierError("input", `The weight file ${JSON.stringify(path)} is missing`);
            return part;
          });
        return [specs, joined(parts)];
      });
    },
  };
}

function joined(parts: readonly Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer as ArrayBuffer;
}

function infoOf(
  name: string,
  dtype: string | undefined,
  shape: readonly (number | null)[] | null | undefined,
): TfjsTensorInfo {
  return {
    name,
    dtype: dtypeFromTfjs(dtype ?? "float32"),
    shape: shape?.map((size) => (size === null || size < 0 ? null : size)) ?? null,
  };
}

/** What a GraphModel says of its inputs and outputs at run time; its declared type leaves the names out. */
type Described = readonly { readonly name: string; readonly shape?: readonly number[]; readonly dtype: string }[];

function graphModel(model: GraphModel, inputs: readonly TfjsPort[], outputs: readonly TfjsPort[]): LoadedModel {
  const described = (ports: readonly TfjsPort[], infos: Described) =>
    ports.map(({ name, reference }) => {
      const node = reference.replace(/:\d+$/, "");
      const info = infos.find((candidate) => candidate.name.replace(/:\d+$/, "") === node);
      return infoOf(name, info?.dtype, info?.shape);
    });
  let dynamic = false;
  return {
    inputs: described(inputs, model.inputs as unknown as Described),
    outputs: described(outputs, model.outputs as unknown as Described),
    execute: async (tensors) => {
      const feeds = Object.fromEntries(inputs.map((port, i) => [port.reference, tensors[i]!]));
      const wanted = outputs.map((port) => port.reference);
      if (!dynamic) {
        try {
          return listOf(model.execute(feeds, wanted));
        } catch (error) {
          // TF.js says so when a model has operators whose result it must wait for (Switch and Merge among them).
          if (!(error instanceof Error && error.message.includes("executeAsync"))) throw error;
          dynamic = true;
        }
      }
      return listOf(await model.executeAsync(feeds, wanted));
    },
    dispose: () => model.dispose(),
  };
}

function listOf(outputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(outputs) ? outputs : [outputs];
}

function layersModel(model: LayersModel): LoadedModel {
  // A Sequential has its inputs and their names only once it is built.
  if (model.inputNames === undefined || model.inputNames.length === 0) model.build(model.inputs[0]!.shape);
  const outputNames = distinctNames(model.outputNames, model.inputNames);
  return {
    inputs: model.inputs.map((input, i) => infoOf(model.inputNames[i]!, input.dtype, input.shape)),
    outputs: model.outputs.map((output, i) => infoOf(outputNames[i]!, output.dtype, output.shape)),
    execute: async (tensors) => listOf(model.predictOnBatch(tensors.length === 1 ? tensors[0]! : tensors)),
    dispose: () => void model.dispose(),
  };
}

/** Loading without TF.js's remarks on layer shapes, which it writes to the console and which change nothing. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

/** Loads a model in memory. Throws EspalierError "runtime" when TensorFlow.js refuses it. */
export async function loadModel(
  engine: TfjsEngine,
  json: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<LoadedModel> {
  const boundary = tfjsBoundary(json);
  const handler = handlerOf(engine.core, json, files);
  await engine.core.setBackend(engine.backends[0]!.name);
  try {
    return await quietly(async () =>
      boundary.kind === "graph"
        ? graphModel(await engine.loadGraphModel(handler), boundary.inputs, boundary.outputs)
        : layersModel(await engine.loadLayersModel(handler)),
    );
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new EspalierError("runtime", `TensorFlow.js refused the model: ${reason}`, { cause });
  }
}
