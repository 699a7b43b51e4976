import { type Graph, type Node, producers, type ValueId, valueById } from "../../src/ir/index.ts";
import type { RunnerPort } from "../../src/runtimes/index.ts";
import { toNumbers } from "../../src/tensor/index.ts";
import type { ModelFormat } from "../model-format.ts";

/** How numbers are stored and computed, as far as it decides how closely two runtimes agree. */
export type Arithmetic =
  | "float32"
  | "float16" // weights, or all of it, in half precision
  | "dynamic" // 8-bit weights; a TFLite runtime rounds activations to 8 bits on the fly
  | "integer"; // activations are integers with a scale

/**
 * Greatest relative difference (max |a - b| / max |b|) that is still the same result. float32: orders of summation differ.
 * float16: 11 significant bits. dynamic: two roundings to 8 bits (1/127 each) a layer, on different sides. integer: for
 * outputs that are real numbers computed from quantised ones.
 */
const RELATIVE_BOUNDS: Readonly<Record<Arithmetic, number>> = {
  float32: 1e-4,
  float16: 1e-2,
  dynamic: 5e-2,
  integer: 2e-2,
};

/** What a difference of one output is held to: `unit` "steps" counts quantisation steps of that output. */
export interface Bound {
  readonly unit: "relative" | "steps" | "exact";
  readonly limit: number;
  /** Size of a step in units of the output's numbers. */
  readonly step: number | null;
}

/** The arithmetic of a graph as it was read; `stored` are the dtypes in which the file keeps weights. */
export function arithmeticOf(graph: Graph, format: ModelFormat, stored: ReadonlySet<string>): Arithmetic {
  const quantized = graph.nodes.some((node) => node.op === "QuantizeLinear" || isRealInput(graph, node));
  if (quantized) return "integer";
  const weights = graph.nodes.some((node) => node.op === "DequantizeLinear");
  if (weights && format === "tflite") return "dynamic";
  const half = stored.has("float16") || stored.has("bfloat16");
  return half || [...graph.values.values()].some(({ type }) => type.dtype === "float16") ? "float16" : "float32";
}

/** A DequantizeLinear of something computed or given. */
function isRealInput(graph: Graph, node: Node): boolean {
  return node.op === "DequantizeLinear" && valueById(graph, node.inputs[0]!).data === undefined;
}

/** The bound of each visible output. */
export function boundsOf(graph: Graph, arithmetic: Arithmetic, outputs: readonly ValueId[]): Bound[] {
  const sources = producers(graph);
  return outputs.map((id): Bound => {
    const { dtype } = valueById(graph, id).type;
    const source = sources.get(id);
    if (dtype.startsWith("float")) {
      const step = source?.op === "DequantizeLinear" ? scaleOf(graph, source) : null;
      if (step !== null && arithmetic === "integer") return { unit: "steps", limit: 1, step };
      return { unit: "relative", limit: RELATIVE_BOUNDS[arithmetic], step: null };
    }
    if (arithmetic === "integer" && isQuantized(id, sources)) return { unit: "steps", limit: 1, step: 1 };
    return { unit: "exact", limit: 0, step: null };
  });
}

/** The bound of an output that the original says is quantised, where the graph does not show it. */
export function boundAt(bound: Bound, original: RunnerPort): Bound {
  return bound.unit === "exact" && original.quantization !== undefined ? { unit: "steps", limit: 1, step: 1 } : bound;
}

/** Operators that hand on integers as they are: the value stays as quantised as it was. */
const MOVEMENT = new Set([
  "Reshape",
  "Transpose",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "Identity",
  "Slice",
  "Concat",
  "Split",
  "Gather",
  "Pad",
]);

function isQuantized(id: ValueId, sources: ReadonlyMap<ValueId, Node>): boolean {
  let node = sources.get(id);
  for (let depth = 0; depth < 16 && node !== undefined && MOVEMENT.has(node.op); depth++)
    node = sources.get(node.inputs[0]!);
  return node?.op === "QuantizeLinear";
}

function scaleOf(graph: Graph, node: Node): number | null {
  const { data } = valueById(graph, node.inputs[1]!);
  return data === undefined || data.data.length !== 1 ? null : toNumbers(data)[0]!;
}
