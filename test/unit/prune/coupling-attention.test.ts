import { describe, expect, it } from "vitest";
import { cutGraph, cutOf, findGroups, proveGroups, selectUnits } from "../../../src/prune/index.ts";
import { scalar } from "../../../src/tensor/index.ts";
import { draw, feedsOf, groupLines, run, weightShape } from "./draw.ts";

const [TOKENS, WIDTH, HEADS, SIZE] = [5, 8, 3, 4];

/** Attention with separate or packed projections: [N, T, 8] -> [N, T, 8], 3 heads of 4. */
function attention(packed: boolean) {
  const g = draw("attention");
  const x = g.node("MatMul", [g.input("N", TOKENS, 6), g.weight("embed.w", 6, WIDTH)]);
  const heads = (value: number) =>
    g.node("Transpose", [g.node("Reshape", [value, g.ints(0, 0, HEADS, SIZE)])], { perm: [0, 2, 1, 3] });
  const project = (label: string) => g.node("MatMul", [x, g.weight(`${label}.w`, WIDTH, HEADS * SIZE)]);
  const parts = packed
    ? (() => {
        const grid = g.node("Reshape", [
          g.node("MatMul", [x, g.weight("qkv.w", WIDTH, 3 * HEADS * SIZE)]),
          g.ints(0, 0, 3, HEADS, SIZE),
        ]);
        const first = g.node("Transpose", [grid], { perm: [2, 0, 3, 1, 4] });
        return [0, 1, 2].map((i) =>
          g.node("Gather", [first, g.builder.constant("at", scalar("int64", i))], { axis: 0 }),
        );
      })()
    : ["q", "k", "v"].map((label) => heads(project(label)));
  const scores = g.node("MatMul", [parts[0]!, g.node("Transpose", [parts[1]!], { perm: [0, 1, 3, 2] })]);
  const mixed = g.node("MatMul", [g.node("Softmax", [scores]), parts[2]!]);
  const merged = g.node("Reshape", [g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }), g.ints(0, 0, HEADS * SIZE)]);
  const out = g.node("Add", [x, g.node("MatMul", [merged, g.weight("o.w", HEADS * SIZE, WIDTH)])]);
  return g.done(g.node("MatMul", [out, g.weight("head.w", WIDTH, 2)]));
}

describe("attention", () => {
  it("finds heads, query-key columns and value columns", async () => {
    const graph = attention(false);
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual([
      "embed.w[out] 8, q.w[in] 8, k.w[in] 8, v.w[in] 8, o.w[out] 8, head.w[in] 8 | 8",
      "q.w[out] 12, k.w[out] 12 | 12",
      "v.w[out] 12, o.w[in] 12 | 12",
      "rows: q.w[out] 12, k.w[out] 12, v.w[out] 12, o.w[in] 12 | 3",
    ]);
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph) }))
      expect(proof.pass, proof.name).toBe(true);
    const rows = groups.groups[3]!;
    const small = cutGraph(graph, groups, cutOf(rows, selectUnits(rows, [1, 3, 2], 2)));
    expect(weightShape(small, "q.w")).toEqual([8, 8]);
    expect(weightShape(small, "o.w")).toEqual([8, 8]);
    const columns = groups.groups[1]!;
    const narrow = cutGraph(graph, groups, cutOf(columns, selectUnits(columns, new Float64Array(12), 6)));
    expect(weightShape(narrow, "q.w")).toEqual([8, 6]);
    expect(weightShape(narrow, "v.w")).toEqual([8, 12]);
  });

  it("keeps the three parts of a packed projection equally wide, their choice free", async () => {
    const graph = attention(true);
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual([
      "embed.w[out] 8, qkv.w[in] 8, o.w[out] 8, head.w[in] 8 | 8",
      "qkv.w[out] 36, o.w[in] 12 | 24",
      "rows: qkv.w[out] 36, o.w[in] 12 | 3",
    ]);
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph) }))
      expect(proof.pass, proof.name).toBe(true);
    const columns = groups.groups[1]!;
    // Twelve shared units of query and key, twelve of value: a step takes one of each head from both.
    expect(columns.cells.map((cell) => cell.units.length)).toEqual([4, 4, 4, 4, 4, 4]);
    const small = cutGraph(
      graph,
      groups,
      cutOf(
        columns,
        selectUnits(
          columns,
          columns.units.map((_, i) => (i * 7) % 5),
          12,
        ),
      ),
    );
    expect(weightShape(small, "qkv.w")).toEqual([8, 18]);
    expect(weightShape(small, "o.w")).toEqual([6, 8]);
  });
});
