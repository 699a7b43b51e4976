import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Node, orderNodes } from "../../../src/ir/index.ts";

const node = (output: number, inputs: number[]): Node => ({
  name: `n${output}`,
  op: "Sum",
  inputs,
  outputs: [output],
  attrs: {},
});

/** Nodes 0..n-1; each reads some that come before it. */
const anyDag = fc
  .array(fc.array(fc.nat(1000), { maxLength: 3 }), { minLength: 1, maxLength: 40 })
  .map((lists) => lists.map((list, i) => node(i, i === 0 ? [] : list.map((k) => k % i))));

describe("orderNodes", () => {
  it("puts any permutation of a graph in an order in which every value is computed before it is read", () => {
    fc.assert(
      fc.property(anyDag, fc.infiniteStream(fc.nat(1 << 20)), (nodes, keys) => {
        const shuffled = nodes.map((n) => [keys.next().value as number, n] as const).sort((a, b) => a[0] - b[0]);
        const ordered = orderNodes(
          shuffled.map(([, n]) => n),
          nodes.map((_, i) => i),
        );
        expect(ordered.length).toBe(nodes.length);
        const done = new Set<number>();
        for (const n of ordered) {
          for (const id of n.inputs) expect(done.has(id as number)).toBe(true);
          done.add(n.outputs[0]!);
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("leaves a graph that is in order as it is, and drops what no output needs", () => {
    fc.assert(
      fc.property(anyDag, fc.nat(39), (nodes, last) => {
        const output = last % nodes.length;
        const needed = new Set([output]);
        for (let i = output; i >= 0; i--)
          if (needed.has(i)) for (const id of nodes[i]!.inputs) needed.add(id as number);
        expect(orderNodes(nodes, [output])).toEqual(nodes.filter((_, i) => needed.has(i)));
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it("names the nodes of a cycle", () => {
    const nodes = [node(0, []), node(1, [0, 3]), node(2, [1]), node(3, [2])];
    expect(() => orderNodes(nodes, [3])).toThrow(/cycle through "n[123]", "n[123]", "n[123]"$/);
    expect(() => orderNodes([node(0, [0])], [0])).toThrow(/cycle through "n0"/);
  });

  it("does not look into a cycle that no output needs", () => {
    expect(orderNodes([node(0, []), node(1, [2]), node(2, [1])], [0]).map((n) => n.name)).toEqual(["n0"]);
  });

  it("orders 20,000 nodes without recursion", () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) => node(i, i === 0 ? [] : [i - 1])).reverse();
    expect(orderNodes(nodes, [19_999])[0]?.name).toBe("n0");
  });
});
