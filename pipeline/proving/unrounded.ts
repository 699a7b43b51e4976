import { type Graph, type Node, producers, type Value, type ValueId, valueById } from "../../src/ir/index.ts";
import { float32, toNumbers } from "../../src/tensor/index.ts";

/** Least and greatest number of the integers that activations are stored as. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/**
 * A quantised graph without the rounding of its activations: what is quantised and at once made real again is only held to the range of the integers. Masked
 * and cut add in another order, and where a sum lies half-way between two steps that is a step, of which the layers behind make many; without
 * rounding, both agree as real numbers do.
 */
export function unrounded(graph: Graph): Graph {
  const made = producers(graph);
  const values = new Map(graph.values);
  let next = Math.max(...graph.values.keys()) + 1;
  const scalar = (name: string, number: number): ValueId => {
    const value: Value = { id: next++, name, type: { dtype: "float32", shape: [] }, data: float32([], [number]) };
    values.set(value.id, value);
    return value.id;
  };
  const nodes = graph.nodes.map((node): Node => {
    const source = node.op === "DequantizeLinear" ? made.get(node.inputs[0]!) : undefined;
    const bounds = source?.op === "QuantizeLinear" ? boundsOf(graph, source) : null;
    const from = source?.inputs[0];
    if (bounds === null || from === null || from === undefined || valueById(graph, from).type.dtype !== "float32")
      return node;
    const limits = bounds.map((number, i) => scalar(`${node.name}.${i === 0 ? "least" : "greatest"}`, number));
    return { name: node.name, op: "Clip", inputs: [from, ...limits], outputs: node.outputs, attrs: {} };
  });
  return { ...graph, values, nodes };
}

/** The real numbers that a QuantizeLinear with one scale stores without clipping. */
function boundsOf(graph: Graph, { inputs, outputs }: Node): readonly [number, number] | null {
  const range = RANGES[valueById(graph, outputs[0]!).type.dtype];
  const constant = (i: number) => {
    const id = inputs[i];
    return id === null || id === undefined ? undefined : valueById(graph, id).data;
  };
  const scale = constant(1);
  if (range === undefined || scale === undefined || scale.data.length !== 1) return null;
  const step = toNumbers(scale)[0]!;
  const zeroPoint = constant(2);
  const zero = zeroPoint === undefined ? 0 : toNumbers(zeroPoint)[0]!;
  return [(range[0] - zero) * step, (range[1] - zero) * step];
}
