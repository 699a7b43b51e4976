import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import {
  CRITERIA,
  findGroups,
  keepCounts,
  type PruneUnit,
  scoreGroups,
  selectUnits,
} from "../../../src/prune/index.ts";
import { float32, seededRandom, stridesOf, type Tensor, toNumbers } from "../../../src/tensor/index.ts";
import { draw, groupNamed } from "./draw.ts";

/** A residual and a grouped convolution: slices on one axis and on two. */
function model(): Graph {
  const g = draw("scores");
  const x = g.conv(g.input("N", 3, 4, 4), "stem", 8, { kernel: 3 });
  const sum = g.node("Add", [x, g.conv(g.node("Relu", [x]), "blocks", 8, { kernel: 3, group: 2 })]);
  return g.done(g.head(g.conv(g.norm(sum, "bn"), "last", 6)));
}

/** The elements of a weight that a slice covers, by comparing every element's coordinates. */
function elements(graph: Graph, slice: PruneUnit["slices"][number]): number[] {
  const t = graph.values.get(slice.value)!.data!;
  const strides = stridesOf(t.shape);
  const wanted = new Set(slice.positions);
  return Array.from({ length: t.data.length }, (_, at) => at).filter((at) => {
    let position = 0;
    for (const axis of slice.axes)
      position = position * t.shape[axis]! + (Math.floor(at / strides[axis]!) % t.shape[axis]!);
    return wanted.has(position);
  });
}

function naive(
  graph: Graph,
  unit: PruneUnit,
  each: (w: number, g: number) => number,
  gradients: Map<string, Tensor>,
  end: (x: number) => number,
) {
  const parts: number[] = [];
  for (const slice of unit.slices) {
    const value = graph.values.get(slice.value)!;
    if (value.type.shape.length < 2) continue;
    const w = toNumbers(value.data!);
    const g = toNumbers(gradients.get(value.name)!);
    parts.push(end(elements(graph, slice).reduce((sum, at) => sum + each(w[at]!, g[at]!), 0)));
  }
  return parts;
}

describe("criteria", () => {
  const graph = model();
  const groups = findGroups(graph);
  const random = seededRandom(3, "gradients");
  const gradients = new Map(
    [...graph.values.values()].flatMap((value): [string, Tensor][] =>
      value.data?.dtype === "float32"
        ? [
            [
              value.name,
              float32(
                value.data.shape,
                Array.from({ length: value.data.data.length }, () => random.normal()),
              ),
            ],
          ]
        : [],
    ),
  );
  const formulas = {
    l1: [(w: number) => Math.abs(w), (x: number) => x],
    l2: [(w: number) => w * w, Math.sqrt],
    taylor: [(w: number, g: number) => Math.abs(w * g), (x: number) => x],
  } as const;

  it.each(["l1", "l2", "taylor"] as const)("%s agrees with sums over the coupled elements", (name) => {
    const [each, end] = formulas[name];
    for (const reduction of ["sum", "mean", "max"] as const) {
      const scores = scoreGroups(graph, groups, name, { gradients, reduction, normalisation: "none" });
      for (const group of groups.groups) {
        group.units.forEach((unit, i) => {
          const parts = naive(graph, unit, each, gradients, end);
          const sum = parts.reduce((a, b) => a + b, 0);
          const expected = { sum, mean: sum / parts.length, max: Math.max(...parts) }[reduction];
          expect(scores.get(group.id)![i]).toBeCloseTo(expected, 6);
        });
      }
    }
  });

  it("normalises by mean, largest and norm", () => {
    const group = groups.groups[0]!;
    const of = (normalisation: "mean" | "max" | "l2") =>
      scoreGroups(graph, groups, "l1", { normalisation }).get(group.id)!;
    expect(of("mean").reduce((a, b) => a + b, 0) / group.size).toBeCloseTo(1);
    expect(Math.max(...of("max"))).toBeCloseTo(1);
    expect(Math.hypot(...of("l2"))).toBeCloseTo(1);
  });

  it("is random by seed and group only", () => {
    const of = (seed: number) => [...scoreGroups(graph, groups, "random", { seed }).values()].map((s) => Array.from(s));
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(CRITERIA.random.needs).toBe("nothing");
  });

  it("refuses Taylor without gradients", () => {
    expect(() => scoreGroups(graph, groups, "taylor")).toThrowError(
      expect.objectContaining({ code: "usage" } satisfies Partial<EspalierError>),
    );
  });
});

describe("selection", () => {
  const graph = model();
  const groups = findGroups(graph);

  it("lets the lowest scores go and keeps the order of units", () => {
    const last = groupNamed(groups, "last.w");
    const kept = selectUnits(last, [5, 1, 4, 2, 6, 3], 3);
    expect(kept).toEqual([0, 2, 4].map((i) => last.units[i]!.id));
  });

  it("breaks ties for the earlier unit, rounds up to the alignment and never below the minimum", () => {
    const last = groupNamed(groups, "last.w");
    expect(selectUnits(last, new Float64Array(6), 2)).toEqual(last.units.slice(0, 2).map((u) => u.id));
    expect(selectUnits(last, new Float64Array(6), 3, 4)).toHaveLength(4);
    expect(selectUnits(last, new Float64Array(6), 1, 1, 5)).toHaveLength(5);
    expect(selectUnits(last, new Float64Array(6), 5, 4)).toHaveLength(6);
    expect(keepCounts(last, 2)).toEqual([2, 4, 6]);
    expect(keepCounts(last)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("takes equally many units from each group of a convolution", () => {
    const stem = groupNamed(groups, "stem.w");
    expect(stem.size).toBe(8);
    expect(keepCounts(stem)).toEqual([2, 4, 6, 8]);
    const kept = selectUnits(stem, [8, 7, 6, 5, 4, 3, 2, 1], 3);
    expect(kept.map((id) => stem.units.findIndex((u) => u.id === id))).toEqual([0, 1, 4, 5]);
  });
});
