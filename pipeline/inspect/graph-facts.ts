import { planPeakActivations } from "../../src/cost/index.ts";
import {
  consumers,
  type Graph,
  type Node,
  producers,
  shapeText,
  type Value,
  type ValueId,
  valueById,
} from "../../src/ir/index.ts";
import { macsOf, specOf } from "../../src/ops/index.ts";
import { DTYPES, type DType, toNumbers } from "../../src/tensor/index.ts";

/** An input or output as the file has it. */
export interface PortFact {
  readonly name: string;
  readonly dtype: DType;
  /** "N" is the batch. */
  readonly shape: readonly (number | string)[];
  /** Of an integer tensor that stands for real numbers. */
  readonly quantization: { readonly scale: number; readonly zeroPoint: number } | null;
}

export interface OperatorFact {
  readonly op: string;
  readonly count: number;
  /** Multiply-accumulates of one sample, all nodes of the operator together. */
  readonly macs: number;
}

/** Inputs or outputs with the scale that stands next to them. */
export function portFacts(graph: Graph, side: "inputs" | "outputs"): PortFact[] {
  const made = producers(graph);
  const readers = consumers(graph);
  // A reshape or transpose at the border hands the integers on as they are.
  const inward = (id: ValueId, depth = 0): Node | undefined => {
    const nodes = readers.get(id) ?? [];
    const near = nodes.find(({ op }) => op === "DequantizeLinear");
    const moved = nodes.find(({ op }) => specOf(op).kind === "movement");
    return near ?? (moved === undefined || depth === DEEPEST ? undefined : inward(moved.outputs[0]!, depth + 1));
  };
  const outward = (id: ValueId, depth = 0): Node | undefined => {
    const node = made.get(id);
    const moves = node !== undefined && specOf(node.op).kind === "movement" && depth < DEEPEST;
    return moves ? outward(node.inputs[0]!, depth + 1) : node;
  };
  return graph[side].map((id) => {
    const { name, type } = valueById(graph, id);
    const near = type.dtype.startsWith("float") ? undefined : side === "inputs" ? inward(id) : outward(id);
    const scaled = near !== undefined && specOf(near.op).kind === "quantization";
    return { name, dtype: type.dtype, shape: type.shape, quantization: scaled ? scaleOf(graph, near) : null };
  });
}

/** Movements in a row at a border. */
const DEEPEST = 4;

function scaleOf(graph: Graph, node: Node): PortFact["quantization"] {
  const number = (i: number) => {
    const id = node.inputs[i];
    const data = id === undefined || id === null ? undefined : valueById(graph, id).data;
    return data === undefined ? 0 : toNumbers(data)[0]!;
  };
  const scale = number(1);
  return scale === 0 ? null : { scale, zeroPoint: number(2) };
}

/** Operators with their counts and work, the heaviest first. */
export function operatorFacts(graph: Graph): OperatorFact[] {
  const sums = new Map<string, { count: number; macs: number }>();
  for (const node of graph.nodes) {
    const sum = sums.get(node.op) ?? { count: 0, macs: 0 };
    sums.set(node.op, { count: sum.count + 1, macs: sum.macs + macsOf(graph, node) });
  }
  return [...sums]
    .map(([op, sum]) => ({ op, ...sum }))
    .sort((a, b) => b.macs - a.macs || b.count - a.count || (a.op < b.op ? -1 : 1));
}

/** Weights: constants of rank 1 and more that are real numbers, or integers that a DequantizeLinear makes into some. Scales and zero points are none. */
export function parameterValues(graph: Graph): Value[] {
  const weights = new Set<ValueId>();
  const settings = new Set<ValueId>();
  for (const { op, inputs } of graph.nodes) {
    const isScaling = specOf(op).kind === "quantization";
    inputs.forEach((id, i) => {
      if (id !== null && isScaling) (i === 0 ? weights : settings).add(id);
    });
  }
  return [...graph.values.values()].filter(({ id, type, data }) => {
    if (data === undefined || data.shape.length === 0 || settings.has(id)) return false;
    return DTYPES[type.dtype].float || weights.has(id);
  });
}

/** Numbers and bytes of the weights. */
export function parameterFacts(graph: Graph): { readonly count: number; readonly bytes: number } {
  let [count, bytes] = [0, 0];
  for (const { data } of parameterValues(graph)) {
    count += data!.data.length;
    bytes += data!.data.byteLength;
  }
  return { count, bytes };
}

/**
 * Most bytes of activations alive at once in the order of execution, for one sample: inputs, outputs and what a later node
 * needs. Values between QuantizeLinear and DequantizeLinear count in their integer type, as runtimes keep them.
 */
export function activationPeak(graph: Graph): { readonly bytes: number; readonly node: string | null } {
  const kept = keptValues(graph);
  const spans = new Map<ValueId, { bytes: number; first: number; last: number }>();
  const touch = (id: ValueId, step: number) => {
    const root = kept(id);
    const value = valueById(graph, root);
    if (value.data !== undefined) return;
    const known = spans.get(root);
    spans.set(
      root,
      known === undefined ? { bytes: bytesOf(value), first: step, last: step } : { ...known, last: step },
    );
  };
  for (const id of graph.inputs) touch(id, 0);
  graph.nodes.forEach((node, step) => {
    for (const id of [...node.inputs, ...node.outputs]) if (id !== null) touch(id, step);
  });
  for (const id of graph.outputs) touch(id, graph.nodes.length - 1);
  const peak = planPeakActivations([...spans.values()]);
  return { bytes: peak.bytes, node: graph.nodes[peak.step]?.name ?? null };
}

function bytesOf({ type }: Value): number {
  return type.shape.reduce((size: number, dim) => size * (typeof dim === "number" ? dim : 1), DTYPES[type.dtype].bytes);
}

/** The value whose memory another one is in: a dequantised one is in the integers that it comes from, one that is only quantised in those that it becomes. */
function keptValues(graph: Graph): (id: ValueId) => ValueId {
  const made = producers(graph);
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs);
  return (id) => {
    const source = made.get(id);
    if (source?.op === "DequantizeLinear") return source.inputs[0]!;
    const [reader, ...others] = readers.get(id) ?? [];
    const onlyQuantised =
      reader?.op === "QuantizeLinear" && others.length === 0 && !outputs.has(id) && source !== undefined;
    return onlyQuantised ? reader.outputs[0]! : id;
  };
}

/** "float32[N, 3, 224, 224]". */
export function portText({ name, dtype, shape, quantization }: PortFact): string {
  const scale =
    quantization === null
      ? ""
      : `, value = (q - ${quantization.zeroPoint}) x ${Number(quantization.scale.toPrecision(6))}`;
  return `${name}  ${dtype}${shapeText(shape)}${scale}`;
}
