import type { Graph } from "../../ir/index.ts";
import { encodeTflite } from "./codec/index.ts";
import { type Lowered, type LowerOptions, lowerToTflite } from "./lower.ts";

export interface WriteTfliteOptions extends LowerOptions {}

/** A graph as the bytes of a .tflite file. Throws EspalierError "unsupported" as `lowerToTflite` does. */
export function writeTflite(graph: Graph, options: WriteTfliteOptions = {}): Uint8Array {
  return emitTflite(graph, options).bytes;
}

/** The bytes together with what is known of them: the interface (names, layouts, scales) and notes. */
export function emitTflite(graph: Graph, options: WriteTfliteOptions = {}): Lowered & { readonly bytes: Uint8Array } {
  const lowered = lowerToTflite(graph, options);
  return { ...lowered, bytes: encodeTflite(lowered.model) };
}
