import { EspalierError } from "../../diagnostics/index.ts";
import type { WireRecord } from "./codec/field.ts";
import type { TfliteMetadata } from "./codec/index.ts";
import { writeFlatbuffer } from "./codec/write-table.ts";
import type { TfliteInterface } from "./lower.ts";
import { metadataSchema } from "./metadata-schema.ts";
import type { ZipEntry } from "./zip.ts";

/** What an app needs to know to feed the model and read its answers. */
export interface ModelCard {
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
  readonly author?: string;
  readonly license?: string;
  /** Class names in the order of the first output's last axis. */
  readonly labels?: readonly string[];
  /** The first input is (x - mean) / std with x = pixel / 255 in 0..1; one number a channel or one for all. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

/** Name of the labels file inside the archive. */
const LABELS = "labels.txt";

/** TFLite Metadata (https://ai.google.dev/edge/litert/models/metadata): the entry of the model, and the files to pack behind it. */
export function modelMetadata(
  card: ModelCard,
  inputs: readonly TfliteInterface[],
  outputs: readonly TfliteInterface[],
): { entry: TfliteMetadata; files: ZipEntry[] } {
  const classes = outputs[0]?.shape.at(-1);
  if (card.labels !== undefined && card.labels.length !== classes) {
    throw new EspalierError("usage", `The model has ${classes} classes, got ${card.labels.length} labels`);
  }
  const labels = card.labels === undefined ? [] : [labelsFile()];
  const record = {
    ...texts(card, ["name", "description", "version", "author", "license"]),
    subgraphMetadata: [
      {
        name: "main",
        inputTensorMetadata: inputs.map((side, i) => inputMetadata(side, i === 0 ? card.normalisation : undefined)),
        outputTensorMetadata: outputs.map((side, i) => ({
          name: side.name,
          content: { contentProperties: { type: "FeatureProperties" } },
          ...(i === 0 && labels.length > 0 ? { associatedFiles: labels } : {}),
        })),
      },
    ],
    minParserVersion: "1.0.0",
  };
  const bytes = writeFlatbuffer(metadataSchema, "ModelMetadata", record as unknown as WireRecord, "M001");
  const files =
    card.labels === undefined ? [] : [{ name: LABELS, bytes: Buffer.from(`${card.labels.join("\n")}\n`, "utf8") }];
  return { entry: { name: "TFLITE_METADATA", bytes }, files };
}

function labelsFile() {
  return { name: LABELS, description: "Class names, one a line.", type: "TENSOR_AXIS_LABELS" } as const;
}

function texts(card: ModelCard, keys: readonly (keyof ModelCard)[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const key of keys) {
    const value = card[key];
    if (typeof value === "string") result[key] = value;
  }
  return result;
}

/** An NHWC input of one or three channels is an image; with its normalisation and the range that gives. */
function inputMetadata(side: TfliteInterface, normalisation: ModelCard["normalisation"]) {
  const channels = side.shape.length === 4 && side.layout.join() === "0,2,3,1" ? side.shape[3] : undefined;
  const image = channels === 1 || channels === 3;
  const contentProperties = image
    ? {
        type: "ImageProperties",
        colorSpace: channels === 1 ? "GRAYSCALE" : "RGB",
        defaultSize: { width: side.shape[2]!, height: side.shape[1]! },
      }
    : { type: "FeatureProperties" };
  return {
    name: side.name,
    content: { contentProperties },
    ...(normalisation === undefined ? {} : normalised(normalisation)),
  };
}

function normalised({ mean, std }: NonNullable<ModelCard["normalisation"]>) {
  const bad = std.find((value) => !(value > 0));
  if (bad !== undefined || mean.length !== std.length) {
    throw new EspalierError(
      "usage",
      `A normalisation needs as many means as standard deviations above 0, got ${mean.length} and [${std.join(", ")}]`,
    );
  }
  const at = (x: number) => std.map((value, i) => (x - mean[i]!) / value);
  // TFLite Metadata normalises pixels in 0..255.
  const pixels = (list: readonly number[]) => list.map((value) => 255 * value);
  return {
    processUnits: [{ options: { type: "NormalizationOptions", mean: pixels(mean), std: pixels(std) } }],
    stats: { max: at(1), min: at(0) },
  };
}

/** The entry that TFLite's converter writes: the oldest release that runs the model, in 16 bytes. */
export function runtimeVersionMetadata(version: string): TfliteMetadata {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(version, "latin1"));
  return { name: "min_runtime_version", bytes };
}
