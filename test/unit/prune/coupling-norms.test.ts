import { describe, expect, it } from "vitest";
import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { cutGraph, findGroups, maskGraph, type PruneGroups, proveGroups } from "../../../src/prune/index.ts";
import { draw, feedsOf, frozenLines, groupLines, run } from "./draw.ts";

type Drawing = ReturnType<typeof draw>;

async function prove(graph: Graph, groups: PruneGroups): Promise<void> {
  for (const keep of [0.6, 0.4]) {
    for (const proof of await proveGroups(graph, groups, { run, inputs: feedsOf(graph), keep })) {
      expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
      if (proof.cut > 0) expect(proof.effect, proof.name).toBeGreaterThan(10 * proof.tolerance);
    }
  }
}

/** Six tokens of eight features, normalised in some way, and a product over the features. */
function tokens(name: string, norm: (g: Drawing, x: ValueId) => ValueId): Graph {
  const g = draw(name);
  const x = g.node("MatMul", [g.input("N", 6, 5), g.weight("a", 5, 8)]);
  return g.done(g.node("MatMul", [norm(g, x), g.weight("out", 8, 3)]));
}

/** Six channels of 4 x 4, normalised in some way, and a classifier. */
function maps(name: string, norm: (g: Drawing, x: ValueId) => ValueId): Graph {
  const g = draw(name);
  return g.done(g.head(norm(g, g.conv(g.input("N", 3, 4, 4), "a", 6))));
}

/** x / rms(x) * scale. */
function rms(g: Drawing, x: ValueId): ValueId {
  const mean = g.node("ReduceMean", [g.node("Mul", [x, x]), g.ints(-1)], { keepdims: 1 });
  const root = g.node("Sqrt", [g.node("Add", [mean, g.weight("epsilon")])]);
  return g.node("Mul", [g.node("Div", [x, root]), g.weight("scale", 8)]);
}

/** Normalisation in groups, as ONNX spells GroupNormalization out before opset 18. */
function grouped(g: Drawing, x: ValueId, groups: number): ValueId {
  const rows = g.node("Reshape", [x, g.ints(0, groups, -1)]);
  const normal = g.node("InstanceNormalization", [rows, g.weight("ones", groups), g.weight("zeros", groups)]);
  const back = g.node("Reshape", [normal, g.ints(0, 6, 4, 4)]);
  return g.node("Add", [g.node("Mul", [back, g.weight("scale", 6, 1, 1)]), g.weight("bias", 6, 1, 1)]);
}

const layer = (g: Drawing, x: ValueId) =>
  g.node("LayerNormalization", [x, g.weight("scale", 8), g.weight("bias", 8)], { axis: -1 });
const moments = (g: Drawing, x: ValueId) => g.node("MeanVarianceNormalization", [x], { axes: [1, 2, 3] });

const acrossUnits: readonly [string, Graph, string, string][] = [
  ["LayerNormalization", tokens("ln", layer), "norm-statistics", "a[out] 8, scale 8, bias 8, out[in] 8 | 8"],
  ["root mean square", tokens("rms", rms), "statistics", "a[out] 8, scale 8, out[in] 8 | 8"],
  ["MeanVarianceNormalization", maps("mvn", moments), "norm-statistics", "a.w[out] 6, a.b 6, fc.w[in] 6 | 6"],
];

describe("statistics over units", () => {
  it.each(acrossUnits)("%s keeps its width unless statistics may change", async (_, graph, reason, line) => {
    const kept = findGroups(graph);
    expect(groupLines(kept)).toEqual([]);
    expect(kept.frozen.some((axis) => axis.reason === reason)).toBe(true);
    const allowed = findGroups(graph, { allowNormStatistics: true });
    expect(groupLines(allowed)).toEqual([line]);
    await prove(graph, allowed);
  });

  it("are those of the units that are left, in the masked graph too: without that the proof fails", async () => {
    const graph = tokens("ln", layer);
    const groups = findGroups(graph, { allowNormStatistics: true });
    const cut = new Set(groups.units.slice(0, 3).map((unit) => unit.id));
    const inputs = feedsOf(graph);
    const [masked, small] = [maskGraph(graph, groups, cut), cutGraph(graph, groups, cut)];
    expect(masked.nodes.some((node) => node.op === "LayerNormalization")).toBe(false);
    // The width of what is divided by: 5 of 8 features.
    const counts = {
      ...small,
      nodes: small.nodes.map((node) => ({
        ...node,
        attrs: { ...node.attrs, ...(node.op === "LayerNormalization" ? { epsilon: 1 } : {}) },
      })),
    };
    const outputs = await Promise.all([masked, small, counts].map((one) => run(one, inputs)));
    const [a, b, c] = outputs.map((output) => Object.values(output)[0]!.data as Float32Array) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const furthest = (x: Float32Array, y: Float32Array) => Math.max(...x.map((value, i) => Math.abs(value - y[i]!)));
    expect(furthest(a, b)).toBeLessThan(1e-5);
    expect(furthest(a, c)).toBeGreaterThan(1e-2);
  });

  it("of a group are whole with it: whole groups of a group normalisation go, single channels when statistics may change", async () => {
    const graph = maps("gn", (g, x) => grouped(g, x, 3));
    const whole = findGroups(graph);
    expect(groupLines(whole)).toEqual(["a.w[out] 6, a.b 6, ones 3, zeros 3, scale 6, bias 6, fc.w[in] 6 | 3"]);
    await prove(graph, whole);
    const allowed = findGroups(graph, { allowNormStatistics: true });
    expect(groupLines(allowed)).toEqual([
      "a.w[out] 6, a.b 6, scale 6, bias 6, fc.w[in] 6 | 6",
      "rows: a.w[out] 6, a.b 6, ones 3, zeros 3, scale 6, bias 6, fc.w[in] 6 | 3",
    ]);
    await prove(graph, allowed);
  });

  it("of a head are whole with it: heads with normalised queries and keys go", async () => {
    const g = draw("qk norm");
    const x = g.node("MatMul", [g.input("N", 6, 5), g.weight("a", 5, 8)]);
    const heads = (label: string, norm: boolean) => {
      const split = g.node("Reshape", [g.node("MatMul", [x, g.weight(label, 8, 6)]), g.ints(0, 0, 2, 3)]);
      const normal = norm ? g.node("LayerNormalization", [split, g.weight(`${label}.scale`, 3)], { axis: -1 }) : split;
      return g.node("Transpose", [normal], { perm: [0, 2, 1, 3] });
    };
    const keys = g.node("Transpose", [heads("k", true)], { perm: [0, 1, 3, 2] });
    const shares = g.node("Softmax", [g.node("MatMul", [heads("q", true), keys])]);
    const mixed = g.node("Transpose", [g.node("MatMul", [shares, heads("v", false)])], { perm: [0, 2, 1, 3] });
    const graph = g.done(g.node("MatMul", [g.node("Reshape", [mixed, g.ints(0, 0, 6)]), g.weight("o", 6, 3)]));
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual([
      "a[out] 8, k[in] 8, q[in] 8, v[in] 8 | 8",
      "v[out] 6, o[in] 6 | 6",
      "rows: k[out] 6, q[out] 6, v[out] 6, o[in] 6 | 2",
    ]);
    expect(frozenLines(groups)).toContain("q.scale[0] norm-statistics");
    await prove(graph, groups);
    const allowed = findGroups(graph, { allowNormStatistics: true });
    // One scale for both heads: their columns go together.
    expect(groupLines(allowed)).toContain("k[out] 6, k.scale 3, q[out] 6, q.scale 3 | 3");
    await prove(graph, allowed);
  });

  it("that are sums need no leave: a norm over units ends where they are zero", async () => {
    const graph = maps("lp", (g, x) => g.node("LpNormalization", [x], { axis: 1 }));
    const groups = findGroups(graph);
    expect(groupLines(groups)).toEqual(["a.w[out] 6, a.b 6, fc.w[in] 6 | 6"]);
    await prove(graph, groups);
  });
});
