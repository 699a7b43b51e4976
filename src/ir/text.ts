import { bytesOf, type Tensor, toNumbers } from "../tensor/index.ts";
import { type Attribute, type Attributes, type Graph, type Value, valueById } from "./graph.ts";
import { typeText } from "./shape.ts";

/** What `printGraph` prints of the weights. */
export interface PrintOptions {
  /** "full" keeps every weight (base64 above 16 elements) so that `parseGraph` restores the graph; default "elided". */
  readonly weights?: "full" | "elided";
}

const inlineLimit = 16;

/** Quotes a name so that any character survives. */
function quoted(name: string): string {
  return JSON.stringify(name);
}

function numberText(value: number): string {
  return Object.is(value, -0)
    ? "-0"
    : Number.isNaN(value)
      ? "nan"
      : value === Number.POSITIVE_INFINITY
        ? "inf"
        : value === Number.NEGATIVE_INFINITY
          ? "-inf"
          : String(value);
}

function tensorText(t: Tensor, options: PrintOptions): string {
  const type = `${t.dtype}[${t.shape.join(", ")}]`;
  if (t.data.length <= inlineLimit) {
    // 64-bit integers are printed as they are: exporters write INT64_MAX for "to the end", which no double holds.
    const wide = t.data instanceof BigInt64Array || t.data instanceof BigUint64Array;
    return `${type} {${(wide ? Array.from(t.data, String) : Array.from(toNumbers(t), numberText)).join(", ")}}`;
  }
  if (options.weights === "full") return `${type} base64 ${quoted(Buffer.from(bytesOf(t)).toString("base64"))}`;
  return `${type} ...`;
}

function attributeText(value: Attribute, options: PrintOptions): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value))
    return `[${value.map((item: number | string) => (typeof item === "number" ? numberText(item) : quoted(item))).join(", ")}]`;
  return `tensor ${tensorText(value as Tensor, options)}`;
}

function attributesText(attrs: Attributes, options: PrintOptions): string {
  const keys = Object.keys(attrs).sort();
  return keys.length === 0 ? "" : ` {${keys.map((key) => `${key}=${attributeText(attrs[key]!, options)}`).join(", ")}}`;
}

/** The text form: one line a constant and a node, values written as %"name": type. See `parseGraph` for the way back. */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  const ref = (id: number | null) => (id === null ? "_" : `%${quoted(valueById(graph, id).name)}`);
  const declared = (value: Value) => `%${quoted(value.name)}: ${typeText(value.type)}`;
  const lines = [`graph ${quoted(graph.name)} {`];
  for (const key of Object.keys(graph.metadata).sort())
    lines.push(`  meta ${quoted(key)} = ${quoted(graph.metadata[key]!)}`);
  for (const id of graph.inputs) lines.push(`  input ${declared(valueById(graph, id))}`);
  const printed = new Set<number>();
  for (const node of graph.nodes) {
    for (const id of node.inputs) {
      if (id === null || printed.has(id)) continue;
      const value = valueById(graph, id);
      if (value.data === undefined) continue;
      printed.add(id);
      lines.push(`  const %${quoted(value.name)} = ${tensorText(value.data, options)}`);
    }
    const outputs = node.outputs.map((id) => declared(valueById(graph, id))).join(", ");
    lines.push(
      `  ${outputs} = ${node.op}(${node.inputs.map(ref).join(", ")})${attributesText(node.attrs, options)} @${quoted(node.name)}`,
    );
  }
  for (const id of graph.outputs) {
    const data = valueById(graph, id).data;
    if (data !== undefined && !printed.has(id)) lines.push(`  const ${ref(id)} = ${tensorText(data, options)}`);
  }
  lines.push(`  return ${graph.outputs.map(ref).join(", ")}`, "}");
  return `${lines.join("\n")}\n`;
}
