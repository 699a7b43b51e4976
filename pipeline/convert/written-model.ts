import { emitTflite } from "../../src/formats/tflite/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { type Artifact, onnxArtifact, tfliteArtifact } from "../model-check/artifact.ts";
import type { Destination } from "./destination.ts";

/** A graph in the format of a file, with what the file has and the graph did not: transposes, pads, float kernels. */
export function artifactOf(
  graph: Graph,
  format: Destination["format"],
  name: string,
): { readonly artifact: Artifact; readonly notes: readonly string[] } {
  if (format === "onnx") return { artifact: onnxArtifact(graph), notes: [] };
  const lowered = emitTflite(graph, { name, io: "graph" });
  const notes = new Set(lowered.notes.map(({ message }) => message));
  return { artifact: tfliteArtifact(graph, lowered, lowered.bytes), notes: [...notes] };
}
