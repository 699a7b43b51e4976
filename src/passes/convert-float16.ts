import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, type Node, type Value, type ValueId, valueById } from "../ir/index.ts";
import { newBuilder, OP_TYPES } from "../ops/index.ts";
import { definePass, type Pass } from "../rewrite/index.ts";
import { DTYPES, fromNumbers, type Tensor, toNumbers } from "../tensor/index.ts";

/** Greatest finite IEEE 754 binary16 number: (2 - 2^-10) * 2^15. */
const halfMax = 65504;

export interface Float16Options {
  /** Operators, or names of nodes, that keep computing in float32; their weights stay float32. Default: the quantisation operators. */
  readonly keepFloat32?: readonly string[];
}

const alwaysKept = ["QuantizeLinear", "DequantizeLinear"];

function toHalf(value: Value, data: Tensor): Tensor {
  const numbers = toNumbers(data);
  const over = numbers.find((v) => Number.isFinite(v) && Math.abs(v) > halfMax);
  if (over !== undefined) {
    throw new EspalierError("unsupported", `Weight "${value.name}" holds ${over}, float16 ends at ${halfMax}`, {
      hint: "Keep the nodes that read it in float32 (keepFloat32).",
    });
  }
  return fromNumbers("float16", data.shape, numbers);
}

type Precision = "float16" | "float32";

/** Rebuilds a graph with its floats in two precisions, casting each value at most once each way. */
class Converter {
  readonly #graph: Graph;
  readonly #builder: GraphBuilder;
  readonly #made: Record<Precision, Map<ValueId, ValueId>> = { float16: new Map(), float32: new Map() };
  readonly #outputs: ReadonlySet<ValueId>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#builder = newBuilder(graph.name);
    this.#builder.setMetadata(graph.metadata);
    this.#outputs = new Set(graph.outputs);
    for (const id of graph.inputs) {
      const { name, type } = valueById(graph, id);
      this.#made.float32.set(id, this.#builder.input(name, type));
    }
  }

  /** The new value for an old one: floats in the wanted precision, everything else as it was. */
  #value(id: ValueId, wanted: Precision): ValueId {
    const old = valueById(this.#graph, id);
    const precision = old.type.dtype === "float32" ? wanted : "float32";
    const found = this.#made[precision].get(id);
    if (found !== undefined) return found;
    const made = old.data === undefined ? this.#cast(old, precision) : this.#constant(old, old.data, precision);
    this.#made[precision].set(id, made);
    return made;
  }

  #constant(old: Value, data: Tensor, precision: Precision): ValueId {
    return this.#builder.constant(old.name, precision === "float16" ? toHalf(old, data) : data);
  }

  #cast(old: Value, to: Precision): ValueId {
    const from = this.#made[to === "float16" ? "float32" : "float16"].get(old.id)!;
    const isInterface = to === "float32" && this.#outputs.has(old.id);
    const name = isInterface ? old.name : `${old.name}.${to}`;
    return this.#builder.node(
      "Cast",
      [from],
      { to: DTYPES[to].onnx },
      { name: `${old.name}.to-${to}`, outputNames: [name] },
    );
  }

  add(node: Node, precision: Precision): void {
    const inputs = node.inputs.map((id) => (id === null ? null : this.#value(id, precision)));
    const castsToFloat = node.op === "Cast" && node.attrs.to === DTYPES.float32.onnx && precision === "float16";
    const attrs = castsToFloat ? { ...node.attrs, to: DTYPES.float16.onnx } : node.attrs;
    const outputNames = node.outputs.map((id) => {
      const { name, type } = valueById(this.#graph, id);
      return precision === "float16" && type.dtype === "float32" && this.#outputs.has(id) ? `${name}.float16` : name;
    });
    const made = this.#builder.nodes(node.op, inputs, attrs, {
      name: node.name,
      outputNames,
      outputs: node.outputs.length,
    });
    node.outputs.forEach((id, i) => {
      const held = valueById(this.#graph, id).type.dtype === "float32" ? precision : "float32";
      this.#made[held].set(id, made[i]!);
    });
  }

  finish(): Graph {
    for (const id of this.#graph.outputs) this.#builder.output(this.#value(id, "float32"));
    return this.#builder.build();
  }
}

function checkKept(graph: Graph, kept: readonly string[]): void {
  const known = new Set([...OP_TYPES, ...graph.nodes.map((node) => node.name)]);
  const unknown = kept.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new EspalierError(
      "usage",
      `keepFloat32 names "${unknown}", which is neither an operator nor a node of the graph`,
      {
        hint: suggestion(unknown, [...new Set(graph.nodes.map((node) => node.op))].sort()),
      },
    );
}

/** The pass that stores weights and computes in float16, with float32 at the edges. */
export function convertFloat16With(options: Float16Options = {}): Pass {
  const kept = new Set([...alwaysKept, ...(options.keepFloat32 ?? [])]);
  return definePass({
    name: "convert-float16",
    summary: "Stores weights and computes in float16; the graph's inputs and outputs stay float32, cast at the edges.",
    details:
      "Outputs agree to float16 rounding: about 1e-3 of the largest intermediate value. A finite weight beyond 65504 is refused by name; keepFloat32 lists operators or nodes that stay in float32, with casts around them.",
    example: {
      before: `graph "g" {
  input %"x": float32[N, 2]
  const %"w" = float32[2] {1.5, -0.25}
  %"m": float32[N, 2] = Mul(%"x", %"w") @"mul"
  %"y": float32[N, 2] = Relu(%"m") @"relu"
  return %"y"
}
`,
      after: `graph "g" {
  input %"x": float32[N, 2]
  %"x.float16": float16[N, 2] = Cast(%"x") {to=10} @"x.to-float16"
  const %"w" = float16[2] {1.5, -0.25}
  %"m": float16[N, 2] = Mul(%"x.float16", %"w") @"mul"
  %"y.float16": float16[N, 2] = Relu(%"m") @"relu"
  %"y": float32[N, 2] = Cast(%"y.float16") {to=1} @"y.to-float32"
  return %"y"
}
`,
    },
    transform: (graph) => {
      checkKept(graph, options.keepFloat32 ?? []);
      const isKept = (node: Node) => kept.has(node.op) || kept.has(node.name);
      if (!graph.nodes.some((node) => !isKept(node) && computesInFloat32(graph, node))) return graph;
      const converter = new Converter(graph);
      for (const node of graph.nodes) converter.add(node, isKept(node) ? "float32" : "float16");
      return converter.finish();
    },
  });
}

/** Whether a node has float32 work: a Cast between the precisions has none, so that a converted graph is left as it is. */
function computesInFloat32(graph: Graph, node: Node): boolean {
  const dtypes = [...node.inputs, ...node.outputs].flatMap((id) =>
    id === null ? [] : [valueById(graph, id).type.dtype],
  );
  return dtypes.includes("float32") && !(node.op === "Cast" && dtypes.includes("float16"));
}

export const convertFloat16 = convertFloat16With();
