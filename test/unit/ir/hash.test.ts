import { describe, expect, it } from "vitest";
import { type Graph, hashGraph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { float32 } from "../../../src/tensor/index.ts";

const weights = (last: number) =>
  float32(
    [20],
    Array.from({ length: 20 }, (_, i) => (i === 19 ? last : i)),
  );

interface Choice {
  readonly unused?: number;
  readonly last?: number;
  readonly op?: string;
  readonly name?: string;
  readonly metadata?: Record<string, string>;
}

/** A small graph; `unused` values made first shift all ids. */
function graph({ unused = 0, last = 19, op = "Relu", name = "act", metadata = {} }: Choice = {}): Graph {
  const b = newBuilder("g");
  const x = b.input("x", { dtype: "float32", shape: ["N", 20] });
  for (let i = 0; i < unused; i++) b.node("Neg", [x], {}, { name: `unused${i}` });
  const w = b.constant("w", weights(last));
  b.output(b.node(op, [b.node("Add", [x, w], {}, { name: "add" })], {}, { name }));
  b.setMetadata(metadata);
  return b.build();
}

describe("hashGraph", () => {
  it("is the same for the same graph whatever its ids", () => {
    expect(hashGraph(graph({ unused: 5 }))).toBe(hashGraph(graph()));
    expect(hashGraph(graph())).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, Choice]>([
    ["a weight that the elided text does not show", { last: 19.5 }],
    ["an operator", { op: "Neg" }],
    ["a name", { name: "act2" }],
    ["metadata", { metadata: { labels: "a" } }],
  ])("differs with %s", (_, choice) => {
    expect(hashGraph(graph(choice))).not.toBe(hashGraph(graph()));
  });

  it("covers constants that are outputs", () => {
    const constant = (value: number) => {
      const b = newBuilder("g");
      b.output(b.constant("c", weights(value)));
      return b.build();
    };
    expect(hashGraph(constant(1))).not.toBe(hashGraph(constant(2)));
  });

  it("covers tensor attributes", () => {
    const base = graph();
    const withTensor = (value: number): Graph => ({
      ...base,
      nodes: base.nodes.map((node) => ({ ...node, attrs: { value: weights(value) } })),
    });
    expect(hashGraph(withTensor(1))).not.toBe(hashGraph(withTensor(2)));
  });
});
