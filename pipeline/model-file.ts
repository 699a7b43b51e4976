import { lstat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { EspalierError, withContext } from "../src/diagnostics/index.ts";
import { externalFiles, readOnnx } from "../src/formats/onnx/index.ts";
import { readTfjs, shardFiles } from "../src/formats/tfjs/index.ts";
import { readTflite } from "../src/formats/tflite/read/index.ts";
import { confine, MAX_MODEL_BYTES, readInputFile, sha256 } from "../src/io/index.ts";
import type { Dim, Graph } from "../src/ir/index.ts";
import { boundInputs } from "./bound-inputs.ts";
import { formatOf, type ModelFormat } from "./model-format.ts";

/** What a person says about the inputs of a model that leaves something open. */
export interface InputSettings {
  /** Sizes by input name (`--input name:1,3,224,224`). */
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
  /** Inputs bound to a constant (`--input sr=16000`): they are no longer inputs. */
  readonly inputValues?: Readonly<Record<string, number | readonly number[]>>;
}

/** The bytes of a model and of the files beside it that hold its weights. */
export interface ModelBytes {
  readonly format: ModelFormat;
  /** The main file. */
  readonly path: string;
  /** Its name without ending, or the folder's for a model.json. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** External data and shards, by the path that the main file states. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of all files together. */
  readonly totalBytes: number;
  /** Of the main file; where there are several, of the list of their sums as sha256sum prints it, sorted by name. */
  readonly sha256: string;
}

/** A model as its file has it, before any pass. */
export interface ModelFile extends ModelBytes {
  /** Names, order, dtypes and layout of inputs and outputs are the file's. */
  readonly graph: Graph;
}

/** Finds out what a file is and reads it, with its external files. Throws EspalierError "input" or "unsupported". */
export async function readModel(path: string, settings: InputSettings = {}): Promise<ModelFile> {
  const model = await readModelBytes(path);
  return { ...model, graph: graphOf(model, settings) };
}

/** The bytes of a model: a file, or a folder with a model.json. Files outside the model's folder are refused. */
export async function readModelBytes(path: string): Promise<ModelBytes> {
  const main = await mainFile(path);
  const bytes = await readInputFile(main, { what: "model file", hint: "Check the path of the model." });
  const format = formatOf(bytes, main);
  const names = filesNamed(format, bytes, main);
  const files = await readBeside(main, names, MAX_MODEL_BYTES - bytes.length);
  const ending = extname(main);
  return {
    format,
    path: main,
    name: basename(main) === "model.json" ? folderName(main) : basename(main, ending),
    bytes,
    files,
    totalBytes: [...files.values()].reduce((sum, file) => sum + file.length, bytes.length),
    sha256: files.size === 0 ? sha256(bytes) : sumOfSums(new Map([[basename(main), bytes], ...files])),
  };
}

/** Paths of the files that a model keeps its weights in, as it states them. */
function filesNamed(format: ModelFormat, bytes: Uint8Array, main: string): readonly string[] {
  try {
    return format === "onnx" ? externalFiles(bytes) : format === "tfjs" ? shardFiles(bytes) : [];
  } catch (error) {
    throw withContext(error, main);
  }
}

/** Reads bytes of a known format into the IR. */
export function graphOf(model: ModelBytes, settings: InputSettings = {}): Graph {
  const { format, bytes, files, path, name } = model;
  const { inputShapes, inputValues } = settings;
  const shapes = inputShapes === undefined ? {} : { inputShapes };
  switch (format) {
    case "onnx":
      return readOnnx(bytes, { name: path, files, ...shapes, ...(inputValues === undefined ? {} : { inputValues }) });
    case "tflite":
      try {
        const bound = inputValues === undefined ? {} : { inputValues: boundInputs(bytes, inputValues) };
        return readTflite(bytes, { name, ...shapes, ...bound });
      } catch (error) {
        throw withContext(error, path);
      }
    case "tfjs":
      if (inputValues !== undefined)
        throw new EspalierError("usage", "Inputs of TensorFlow.js models cannot be bound to a value", { where: path });
      return readTfjs(bytes, { name: path, files, ...shapes });
    default:
      format satisfies never;
      throw new EspalierError("internal", "internal: no such format");
  }
}

async function mainFile(path: string): Promise<string> {
  if (path === "" || path.includes("\0")) return path; // refused by the read, in its words
  const facts = await lstat(path).catch(() => null);
  if (facts?.isDirectory() !== true) return path;
  const inside = join(path, "model.json");
  if ((await lstat(inside).catch(() => null)) !== null) return inside;
  const saved = (await lstat(join(path, "saved_model.pb")).catch(() => null)) !== null;
  throw new EspalierError(
    "input",
    saved ? "This folder is a TensorFlow SavedModel, which Espalier does not read" : "This folder has no model.json",
    {
      where: path,
      hint: saved
        ? "Convert it: tf2onnx.convert --saved-model, TFLiteConverter.from_saved_model, or tensorflowjs_converter."
        : "Give the model's file, or the folder of a TensorFlow.js model.",
    },
  );
}

function folderName(main: string): string {
  const folder = basename(dirname(main));
  return folder === "." || folder === "" || folder === ".." ? "model" : folder;
}

/** Each file below the folder of the main one, all of them within `budget` bytes. */
async function readBeside(
  main: string,
  names: readonly string[],
  budget: number,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let left = budget;
  for (const name of names) {
    if (files.has(name)) continue;
    const path = await confine(dirname(main), name);
    const hint = `${basename(main)} keeps weights in it: copy it to the same folder.`;
    const file = await readInputFile(path, { what: "weights file", hint, maxBytes: Math.max(0, left) });
    left -= file.length;
    files.set(name, file);
  }
  return files;
}

function sumOfSums(files: ReadonlyMap<string, Uint8Array>): string {
  const lines = [...files]
    .map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`)
    .sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1));
  return sha256(new TextEncoder().encode(lines.join("")));
}
