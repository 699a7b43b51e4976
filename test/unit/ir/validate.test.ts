import { describe, expect, it } from "vitest";
import { type Graph, type Node, parseGraph, type Value } from "../../../src/ir/index.ts";
import { inferTypes, validateGraph } from "../../../src/ops/index.ts";
import { float32 } from "../../../src/tensor/index.ts";

const sound = parseGraph(
  `graph "g" {
  input %"x": float32[N, 2]
  const %"w" = float32[2] {1, 2}
  %"a": float32[N, 2] = Add(%"x", %"w") @"add"
  %"y": float32[N, 2] = Relu(%"a") @"relu"
  return %"y"
}`,
  inferTypes,
);
const id = (name: string) => [...sound.values.values()].find((value) => value.name === name)!.id;

function withValue(name: string, change: Partial<Value>): Graph {
  return {
    ...sound,
    values: new Map([...sound.values].map(([k, v]) => [k, v.name === name ? { ...v, ...change } : v])),
  };
}

function withNodes(change: (nodes: readonly Node[]) => readonly Node[]): Graph {
  return { ...sound, nodes: change(sound.nodes) };
}

const withNode = (name: string, change: Partial<Node>) =>
  withNodes((nodes) => nodes.map((node) => (node.name === name ? { ...node, ...change } : node)));

describe("validateGraph", () => {
  it("accepts a sound graph", () => {
    expect(() => validateGraph(sound)).not.toThrow();
  });

  it.each([
    ["a value filed under another id", withValue("a", { id: 999 }), /value id 999 is filed under/],
    ["two values of one name", withValue("a", { name: "w" }), /share a name/],
    [
      "a constant whose type says another shape",
      withValue("w", { type: { dtype: "float32", shape: [3] } }),
      /constant is float32\[2\], its type says float32\[3\]/,
    ],
    [
      "a constant whose type says another dtype",
      withValue("w", { type: { dtype: "int8", shape: [2] } }),
      /constant is float32\[2\], its type says int8\[2\]/,
    ],
    ["data of another shape", withValue("w", { data: float32([1], [0]) }), /constant is float32\[1\]/],
    [
      "a stated type that the operator does not derive",
      withValue("y", { type: { dtype: "float32", shape: ["N", 3] } }),
      /stated as float32\[N, 3\], derived as float32\[N, 2\]/,
    ],
    ["nodes out of order", withNodes((nodes) => [...nodes].reverse()), /read before it is computed/],
    ["an input that nothing computes", withNode("relu", { inputs: [999] }), /input 999 is read before/],
    ["a node name used twice", withNode("relu", { name: "add" }), /node name is used twice/],
    ["a value computed twice", withNode("relu", { outputs: [id("a")] }), /is computed twice/],
    ["a node that overwrites an input", withNode("add", { outputs: [id("x")] }), /is computed twice/],
    ["an unknown operator", withNode("relu", { op: "Frelu" }), /"Frelu" is not supported/],
    ["an unknown attribute", withNode("relu", { attrs: { alpha: 1 } }), /no attribute "alpha"/],
    ["too many inputs", withNode("relu", { inputs: [id("a"), id("x")] }), /Relu takes 1 inputs, got 2/],
    ["an output that nothing computes", { ...sound, nodes: sound.nodes.slice(0, 1) }, /output \d+ is never computed/],
    ["an output without a value", { ...sound, outputs: [999] }, /output 999 is never computed/],
  ])("refuses %s", (_, graph, message) => {
    expect(() => validateGraph(graph)).toThrow(message);
  });
});
