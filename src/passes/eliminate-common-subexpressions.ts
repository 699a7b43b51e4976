import { type Attribute, type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";

import { editGraph } from "../ops/index.ts";
import { definePass } from "../rewrite/index.ts";
import { bytesOf, type Tensor } from "../tensor/index.ts";

function tensorKey(t: Tensor): string {
  return `${t.dtype}[${t.shape.join()}]${Buffer.from(bytesOf(t)).toString("base64")}`;
}

function attributeKey(value: Attribute): string {
  return typeof value === "object" && "dtype" in value ? tensorKey(value) : JSON.stringify(value);
}

/** Shapes and axes above this size are compared by identity: hashing tables would cost more than it finds. */
const comparedElements = 64;

/** What an input is, for comparison: small int64 constants (shapes, axes) by value, all else by identity. Weights that are equal today may be trained apart. */
function inputKey(graph: Graph, id: ValueId | null): string {
  const data = id === null ? undefined : valueById(graph, id).data;
  return data?.dtype === "int64" && data.data.length <= comparedElements ? tensorKey(data) : `%${id}`;
}

function nodeKey(graph: Graph, node: Node): string {
  const inputs = node.inputs.map((id) => inputKey(graph, id));
  const attrs = Object.keys(node.attrs).map((key) => `${key}=${attributeKey(node.attrs[key]!)}`);
  return JSON.stringify([node.op, inputs, attrs.sort(), node.outputs.length]);
}

function withoutRepeats(graph: Graph): Graph {
  const same = new Map<ValueId, ValueId>();
  const known = new Map<string, Node>();
  const outputs = new Set(graph.outputs);
  const nodes: Node[] = [];
  for (const old of graph.nodes) {
    const moved = old.inputs.some((id) => id !== null && same.has(id));
    const node = moved ? { ...old, inputs: old.inputs.map((id) => (id === null ? null : (same.get(id) ?? id))) } : old;
    const key = nodeKey(graph, node);
    const first = known.get(key);
    // An output keeps a node of its own, because its name is the interface of the graph.
    if (first === undefined || node.outputs.some((id) => outputs.has(id))) {
      if (first === undefined) known.set(key, node);
      nodes.push(node);
    } else {
      node.outputs.forEach((id, i) => {
        same.set(id, first.outputs[i]!);
      });
    }
  }
  return nodes.length === graph.nodes.length ? graph : editGraph({ ...graph, nodes }).build();
}

export const eliminateCommonSubexpressions = definePass({
  name: "eliminate-common-subexpressions",
  summary: "Computes once what several nodes compute from the same inputs.",
  details: "Weights of equal value are not merged: they may be trained or pruned apart. Outputs are equal bit for bit.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4]
  %"a": float32[N, 4] = Sigmoid(%"x") @"gate1"
  %"b": float32[N, 4] = Mul(%"x", %"a") @"swish1"
  %"c": float32[N, 4] = Sigmoid(%"x") @"gate2"
  %"y": float32[N, 4] = Mul(%"b", %"c") @"swish2"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 4]
  %"a": float32[N, 4] = Sigmoid(%"x") @"gate1"
  %"b": float32[N, 4] = Mul(%"x", %"a") @"swish1"
  %"y": float32[N, 4] = Mul(%"b", %"a") @"swish2"
  return %"y"
}
`,
  },
  transform: withoutRepeats,
});
