import { EspalierError } from "../../../diagnostics/index.ts";
import type { TfliteModel } from "../codec/index.ts";
import { readFlatbuffer } from "../codec/read-table.ts";
import { metadataSchema } from "../metadata-schema.ts";
import { fileInZip } from "./unzip.ts";

/** Largest labels file that is taken in. */
const MAX_LABEL_BYTES = 2 ** 22;

interface Associated {
  readonly name?: string;
  readonly type?: string;
}
interface TensorMetadata {
  readonly name?: string;
  readonly description?: string;
  readonly processUnits?: readonly {
    readonly options?: { readonly type: string; readonly mean?: readonly number[]; readonly std?: readonly number[] };
  }[];
  readonly associatedFiles?: readonly Associated[];
}
interface ModelMetadata {
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
  readonly author?: string;
  readonly license?: string;
  readonly subgraphMetadata?: readonly {
    readonly inputTensorMetadata?: readonly TensorMetadata[];
    readonly outputTensorMetadata?: readonly TensorMetadata[];
  }[];
}

/**
 * What the file says about itself, as a graph's metadata: `tflite.description`, `tflite.signatures` (JSON: key to tensor names by signature
 * name), `tflite.min_runtime_version`; from TFLite Metadata (https://ai.google.dev/edge/litert/models/metadata) `tflite.metadata.name`,
 * `.description`, `.version`, `.author`, `.license`, `.tensors` (JSON) and, in Espalier's terms, `espalier.labels` (JSON list) and
 * `espalier.normalisation` (JSON {mean, std}; the first input is (x - mean) / std of pixels in 0..1); and `espalier.state`.
 * Malformed metadata do not stop the model: `tflite.metadata.error` says what is wrong with them.
 */
export function metadataOf(
  model: TfliteModel,
  bytes: Uint8Array,
  state: readonly { readonly input: string; readonly output: string }[],
): Record<string, string> {
  const result: Record<string, string> = {};
  if (model.description !== "") result["tflite.description"] = model.description;
  if (model.signatures.length > 0) result["tflite.signatures"] = JSON.stringify(signatures(model));
  const version = model.metadata.find(({ name }) => name === "min_runtime_version");
  if (version !== undefined)
    result["tflite.min_runtime_version"] = new TextDecoder("latin1")
      .decode(version.bytes.subarray(0, 32))
      .split("\0", 1)[0]!;
  if (state.length > 0) result["espalier.state"] = JSON.stringify(state);
  const entry = model.metadata.find(({ name }) => name === "TFLITE_METADATA");
  if (entry === undefined) return result;
  try {
    const card = readFlatbuffer(metadataSchema, "ModelMetadata", entry.bytes, "M001") as unknown as ModelMetadata;
    return { ...result, ...cardEntries(card, bytes) };
  } catch (error) {
    if (!(error instanceof EspalierError)) throw error;
    return { ...result, "tflite.metadata.error": error.message };
  }
}

function signatures(model: TfliteModel) {
  const names = (subgraph: number, entries: readonly { readonly name: string; readonly tensor: number }[]) =>
    Object.fromEntries(entries.map(({ name, tensor }) => [name, model.subgraphs[subgraph]!.tensors[tensor]!.name]));
  return model.signatures.map(({ key, subgraph, inputs, outputs }) => ({
    key,
    subgraph,
    inputs: names(subgraph, inputs),
    outputs: names(subgraph, outputs),
  }));
}

function cardEntries(card: ModelMetadata, bytes: Uint8Array): Record<string, string> {
  const result: Record<string, string> = {};
  for (const key of ["name", "description", "version", "author", "license"] as const) {
    const value = card[key];
    if (typeof value === "string" && value !== "") result[`tflite.metadata.${key}`] = value;
  }
  const main = card.subgraphMetadata?.[0];
  const describe = (tensors: readonly TensorMetadata[] = []) =>
    tensors.map(({ name, description }) => ({
      name: name ?? "",
      ...(description === undefined ? {} : { description }),
    }));
  if (main !== undefined)
    result["tflite.metadata.tensors"] = JSON.stringify({
      inputs: describe(main.inputTensorMetadata),
      outputs: describe(main.outputTensorMetadata),
    });
  const unit = main?.inputTensorMetadata?.[0]?.processUnits?.find(
    ({ options }) => options?.type === "NormalizationOptions",
  );
  const { mean, std } = unit?.options ?? {};
  // TFLite Metadata normalises pixels in 0..255.
  if (mean !== undefined && std !== undefined)
    result["espalier.normalisation"] = JSON.stringify({ mean: mean.map((x) => x / 255), std: std.map((x) => x / 255) });
  const files = main?.outputTensorMetadata?.flatMap(({ associatedFiles }) => associatedFiles ?? []) ?? [];
  const labels = files.find(({ type }) => type === "TENSOR_AXIS_LABELS" || type === "TENSOR_VALUE_LABELS");
  if (labels?.name !== undefined) {
    const text = fileInZip(bytes, labels.name, MAX_LABEL_BYTES);
    if (text !== null) {
      const lines = new TextDecoder().decode(text).split(/\r?\n/);
      if (lines.at(-1) === "") lines.pop();
      result["espalier.labels"] = JSON.stringify(lines);
    }
  }
  return result;
}
