import { EspalierError } from "../../src/diagnostics/index.ts";
import { externalFiles, readOnnx } from "../../src/formats/onnx/index.ts";
import { readTfjs, shardFiles } from "../../src/formats/tfjs/index.ts";
import { readTflite } from "../../src/formats/tflite/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { macsOf, validateGraph } from "../../src/ops/index.ts";
import { importPipeline, runPasses } from "../../src/passes/index.ts";

export type Format = "onnx" | "tflite" | "tfjs";

/** A model as it lies on a disk: its file, and the files it names. */
export interface Specimen {
  readonly name: string;
  readonly format: Format;
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export type Outcome = "read" | "refused";

function read({ format, bytes, files, name }: Specimen): Graph {
  if (format === "tflite") return readTflite(bytes, { name });
  if (format === "onnx") {
    externalFiles(bytes);
    return readOnnx(bytes, { name, files });
  }
  shardFiles(bytes);
  return readTfjs(bytes, { name, files });
}

/**
 * Reads a specimen as every command does: reader, import pipeline, validation, counting. Returns what came of it;
 * throws when anything but a refusal with a sentence leaves.
 */
export function attempt(specimen: Specimen): Outcome {
  try {
    const graph = runPasses(read(specimen), importPipeline);
    validateGraph(graph);
    for (const node of graph.nodes) macsOf(graph, node);
    return "read";
  } catch (error) {
    if (error instanceof EspalierError && error.code !== "internal" && error.message.length > 0) return "refused";
    throw error;
  }
}
