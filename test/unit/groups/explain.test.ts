import { describe, expect, it } from "vitest";
import { explainTensor } from "../../../pipeline/groups/explain.ts";
import { renderExplanation } from "../../../pipeline/groups/render-why.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { findGroups } from "../../../src/prune/index.ts";
import { TOPOLOGIES } from "../../topologies/index.ts";
import { oneUnit, residual, slicedOut } from "./graphs.ts";

const explain = (graph: Graph, text: string) => explainTensor(graph, findGroups(graph), text);
const names = (nodes: readonly { readonly name: string }[] | null) => nodes?.map(({ name }) => name);

describe("why a tensor is cut", () => {
  it("names what goes with an axis and the nodes in between", () => {
    const { axes } = explain(residual(), "first.weight[0]");
    expect(axes).toHaveLength(1);
    const [group] = axes[0]!.groups;
    expect(group).toMatchObject({ group: "first.weight", kind: "channels", units: 6, of: 6 });
    const ways = Object.fromEntries(
      group!.with.map(({ weight, axes, through }) => [`${weight}[${axes}]`, names(through)]),
    );
    expect(ways).toEqual({
      "first.bias[0]": ["first"],
      "second.weight[0]": ["first", "relu", "add", "second"],
      "second.weight[1]": ["first", "relu", "second"],
      "dense.weight[0]": ["first", "relu", "add", "mean", "flat", "dense"],
    });
  });

  it("takes activations too", () => {
    const [batch, channels] = explain(residual(), "sum").axes;
    expect(batch).toMatchObject({ size: null, groups: [], frozen: [] });
    expect(channels!.groups[0]!.group).toBe("first.weight");
  });

  it("reaches through the rows of a grid", () => {
    const { axes } = explain(TOPOLOGIES["llama-rotary-per-head"]!(), "linear8.w[1]");
    const kinds = axes[0]!.groups.map(({ kind, with: companions }) => [kind, companions.length > 0]);
    expect(kinds).toEqual([
      ["channels", true],
      ["rows", true],
    ]);
    const heads = axes[0]!.groups[1]!.with.find(({ weight }) => weight === "linear50.w")!;
    expect(names(heads.through)!.length).toBeGreaterThan(3);
  });
});

describe("why a tensor is frozen", () => {
  it("follows the axis to the node that froze it, or to the graph's output", () => {
    const [classes] = explain(residual(), "dense.weight[1]").axes;
    expect(classes!.frozen).toMatchObject([{ reason: "graph-output", positions: 3, node: null }]);
    expect(names(classes!.frozen[0]!.through)).toEqual(["dense"]);
    const [pixels] = explain(residual(), "first.weight[1]").axes;
    expect(pixels!.frozen).toMatchObject([{ reason: "graph-input", node: { name: "first", operator: "Conv" } }]);
  });

  it("says how many positions of an axis are frozen where others are not", () => {
    const { axes } = explain(slicedOut(), "a.weight[0]");
    expect(axes[0]!.frozen).toMatchObject([{ reason: "graph-output", positions: 2 }]);
    expect(axes[0]!.groups).toMatchObject([{ units: 4 }]);
  });

  it("says so where all of an axis is one unit", () => {
    const [axis] = explain(oneUnit(), "a.weight[0]").axes;
    expect(axis!.frozen).toMatchObject([{ reason: "single-unit", positions: 6, node: null }]);
  });

  it("says why the rows of a grid are stuck", () => {
    const stuck = Object.values(TOPOLOGIES).flatMap((build) => {
      const graph = build();
      const groups = findGroups(graph);
      return groups.frozen
        .filter(({ reason }) => reason === "grid")
        .flatMap(({ name, axis }) => explainTensor(graph, groups, `${name}[${axis}]`).axes)
        .flatMap(({ frozen }) => frozen.filter(({ reason }) => reason === "grid"));
    });
    for (const { because } of stuck) expect(because).toContain("grid");
  });
});

describe("a tensor that is not there", () => {
  it.each([
    ["frist.weight", "no tensor", 'Did you mean "first.weight"'],
    ["first.weight[9]", "has 4 axes", "0 to 3"],
    ["", "no tensor", "--why"],
    ["zzzzzzzzzzzzzzzzz", "no tensor", "Leave --why out"],
    ["first.weight[-1]", "no tensor", "first.weight"],
  ])("%j is refused with a remedy", (text, fact, remedy) => {
    const refused = () => explain(residual(), text);
    expect(refused).toThrowError(fact);
    expect(refused).toThrowError(expect.objectContaining({ code: "usage", hint: expect.stringContaining(remedy) }));
  });

  it("and a name that ends in brackets is found as it is", () => {
    expect(explain(slicedOut(), "odd[0]").axes).toHaveLength(4);
    expect(explain(slicedOut(), "odd[0][1]").axes).toHaveLength(1);
  });
});

describe("an explanation as text", () => {
  it("says every way once", () => {
    const graph = residual();
    expect(renderExplanation("m.onnx", explain(graph, "dense.weight"))).toBe(`m.onnx: weight dense.weight [6, 3]

axis 0 (6)
  group first.weight: 6 units; with them go
    first.weight[0] (out), first.bias[0] (parameter)
      through dense (Gemm), flat (Flatten), mean (GlobalAveragePool), add (Add), relu (Relu), first (Conv)
    second.weight[1] (in), second.weight[0] (out)
      through dense (Gemm), flat (Flatten), mean (GlobalAveragePool), add (Add), second (Conv)

axis 1 (3)
  frozen, graph-output: they make the model's own outputs
    through dense (Gemm)
`);
  });
});
