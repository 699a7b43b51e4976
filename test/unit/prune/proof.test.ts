import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { editGraph } from "../../../src/ops/index.ts";
import {
  compareCut,
  cutGraph,
  cutOf,
  cutShapes,
  findGroups,
  maskGraph,
  proveCut,
  selectUnits,
} from "../../../src/prune/index.ts";
import { takeAlong } from "../../../src/tensor/index.ts";
import { draw, feedsOf, groupNamed, run } from "./draw.ts";

function model(): Graph {
  const g = draw("proof");
  const x = g.node("Sigmoid", [g.norm(g.conv(g.input("N", 3, 4, 4), "stem", 8, { kernel: 3 }), "bn")]);
  const inner = g.conv(g.conv(x, "dw", 8, { kernel: 3, group: 8 }), "mid", 6);
  return g.done(g.head(g.node("Add", [x, g.conv(g.node("Elu", [inner]), "out", 8)])));
}

/** The graph with the rows of a weight's axis moved by one: what an off-by-one in a cut would give. */
function rolled(graph: Graph, name: string, axis: number): Graph {
  const id = [...graph.values.values()].find((value) => value.name === name)!.id;
  const t = valueById(graph, id).data!;
  const size = t.shape[axis]!;
  const builder = editGraph(graph);
  builder.setConstant(
    id,
    takeAlong(
      t,
      axis,
      Array.from({ length: size }, (_, i) => (i + 1) % size),
    ),
  );
  return builder.build();
}

describe("the proof", () => {
  const graph = model();
  const groups = findGroups(graph);
  const stem = groupNamed(groups, "stem.w");
  const cut = cutOf(stem, selectUnits(stem, [1, 8, 3, 6, 2, 7, 4, 5], 5));
  const options = { run, inputs: feedsOf(graph) };

  it("holds for a correct cut, of units that matter", async () => {
    const proof = await proveCut(graph, groups, cut, options);
    expect(proof.pass).toBe(true);
    expect(proof.effect).toBeGreaterThan(100 * proof.tolerance);
  });

  it.each([
    ["stem.w", 0],
    ["bn.scale", 0],
    ["bn.mean", 0],
    ["dw.w", 0],
    ["mid.w", 1],
    ["out.w", 0],
    ["out.b", 0],
    ["fc.w", 1],
  ])("catches a cut of %s that is off by one on axis %i", async (name, axis) => {
    const wrong = rolled(cutGraph(graph, groups, cut), name, axis);
    expect((await compareCut(graph, wrong, groups, cut, options)).pass).toBe(false);
  });

  it("masks only weights that sum over the units", () => {
    const masked = maskGraph(graph, groups, cut);
    const changed = [...graph.values.values()].filter((value) => masked.values.get(value.id)?.data !== value.data);
    expect(changed.map((value) => value.name).sort()).toEqual(["fc.w", "mid.w"]);
    expect(masked.nodes.length).toBe(graph.nodes.length);
  });

  it("masks the operand where no weight takes part", () => {
    const g = draw("sum");
    const x = g.conv(g.input("N", 3, 4, 4), "a", 4);
    const summed = g.done(g.node("ReduceSum", [g.node("Sigmoid", [x]), g.ints(1)], { keepdims: 0 }));
    const found = findGroups(summed);
    const masked = maskGraph(summed, found, new Set([found.units[1]!.id]));
    expect(masked.nodes.map((node) => node.op)).toEqual(["Conv", "Sigmoid", "Mul", "ReduceSum"]);
  });
});

describe("cutting", () => {
  const graph = model();
  const groups = findGroups(graph);

  it("returns the graph itself for an empty cut", () => {
    expect(cutGraph(graph, groups, new Set())).toBe(graph);
  });

  it("gives the same shapes with and without weights, and shares the zeros", () => {
    const group = groupNamed(groups, "stem.w");
    const cut = cutOf(group, selectUnits(group, new Float64Array(8), 3));
    const full = cutGraph(graph, groups, cut);
    const shapes = cutShapes(graph, groups, cut);
    const types = (g: Graph) => [...g.values.values()].map((value) => [value.name, value.type.shape]);
    expect(types(shapes)).toEqual(types(full));
    const buffers = new Set<unknown>();
    for (const value of shapes.values.values())
      if (value.data !== undefined && value.data !== graph.values.get(value.id)?.data)
        buffers.add(value.data.data.buffer);
    expect(buffers.size).toBeLessThanOrEqual(2);
  });

  it("refuses to cut everything, unknown units, and the groups of another graph", () => {
    const group = groupNamed(groups, "mid.w");
    const failure = (work: () => unknown): EspalierError => {
      try {
        work();
      } catch (error) {
        if (error instanceof EspalierError) return error;
      }
      throw new Error("no EspalierError");
    };
    const all = failure(() => cutGraph(graph, groups, new Set(group.units.map((unit) => unit.id))));
    expect(all.message).toContain("removes everything");
    expect(all.where).toContain('value "mid');
    expect(failure(() => cutGraph(graph, groups, new Set([9999]))).code).toBe("internal");
    expect(failure(() => cutGraph(model(), groups, new Set([group.units[0]!.id]))).code).toBe("internal");
  });

  it("refuses a grid left ragged", () => {
    const g = draw("ragged");
    const x = g.conv(g.input("N", 3, 4, 4), "in", 8);
    const grouped = g.done(g.head(g.conv(x, "blocks", 4, { group: 2 })));
    const found = findGroups(grouped);
    const one = new Set([groupNamed(found, "in.w").units[0]!.id]);
    expect(() => cutGraph(grouped, found, one)).toThrowError(/without equal rows/);
  });
});
