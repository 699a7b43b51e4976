import type { Graph } from "../../ir/index.ts";
import { decodeTflite, encodeTflite, type TfliteModel } from "./codec/index.ts";
import { type Lowered, type LowerOptions, lowerToTflite } from "./lower.ts";
import { type ModelCard, modelMetadata, runtimeVersionMetadata } from "./metadata.ts";
import { minRuntimeVersion } from "./runtime-version.ts";
import { storedZip } from "./zip.ts";

/** How a .tflite file is written: lowering options and the metadata to embed. */
export interface WriteTfliteOptions extends LowerOptions {
  /** TFLite Metadata for apps: labels and normalisation, readable by LiteRT's Task and Support libraries. Default: none. */
  readonly metadata?: ModelCard;
}

/** A graph as the bytes of a .tflite file. Throws EspalierError "unsupported" as `lowerToTflite` does. */
export function writeTflite(graph: Graph, options: WriteTfliteOptions = {}): Uint8Array {
  return emitTflite(graph, options).bytes;
}

/** The bytes together with what is known of them: the interface (names, layouts, scales) and notes. */
export function emitTflite(graph: Graph, options: WriteTfliteOptions = {}): Lowered & { readonly bytes: Uint8Array } {
  const lowered = lowerToTflite(graph, options);
  const version = runtimeVersionMetadata(minRuntimeVersion(lowered.model));
  if (options.metadata === undefined) {
    const model: TfliteModel = { ...lowered.model, metadata: [version] };
    const bytes = encodeTflite(model);
    return { ...lowered, model: withBuffersOf(bytes, model), bytes };
  }
  const { entry, files } = modelMetadata(options.metadata, lowered.inputs, lowered.outputs);
  const model: TfliteModel = { ...lowered.model, metadata: [version, entry] };
  const encoded = encodeTflite(model);
  if (files.length === 0) return { ...lowered, model: withBuffersOf(encoded, model), bytes: encoded };
  const archive = storedZip(files, encoded.length);
  const bytes = new Uint8Array(encoded.length + archive.length);
  bytes.set(encoded);
  bytes.set(archive, encoded.length);
  return { ...lowered, model: withBuffersOf(bytes, model), bytes };
}

/** The model with its constants as views into the file, so that they are not held twice. */
function withBuffersOf(bytes: Uint8Array, model: TfliteModel): TfliteModel {
  return { ...model, buffers: decodeTflite(bytes).buffers.slice(0, model.buffers.length) };
}
