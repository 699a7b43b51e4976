import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { bypass, definePass, type Pass, rule, run, type TraceEntry } from "../../../src/rewrite/index.ts";

const example = { before: "", after: "" };

function chain(ops: readonly string[]): Graph {
  const b = newBuilder("chain");
  let x = b.input("x", { dtype: "float32", shape: ["N", 2] });
  for (const op of ops) x = b.node(op, [x]);
  b.output(x);
  return b.build();
}

const drop = (op: string): Pass =>
  definePass({
    name: `drop-${op.toLowerCase()}`,
    summary: "",
    example,
    rules: [rule("drop", [op], (node, view) => bypass(view, node, node.inputs[0]))],
  });

const corrupt = definePass({
  name: "corrupt",
  summary: "",
  example,
  transform: (graph) => ({
    ...graph,
    values: new Map([...graph.values].map(([id, v]) => [id, { ...v, type: { ...v.type, shape: ["N", 3] } }])),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: [99] })),
  }),
});

describe("run", () => {
  it("names the pass that broke the graph and those that ran before", () => {
    const work = () => run(chain(["Abs", "Neg", "Relu"]), [drop("Abs"), drop("Neg"), corrupt]);
    expect(work).toThrow(EspalierError);
    try {
      work();
    } catch (error) {
      expect((error as EspalierError).where).toContain('pass "corrupt" after drop-abs, drop-neg');
      expect((error as EspalierError).message).toMatch(/read before it is computed/);
    }
  });

  it("reports what changed, and gives the same object back when nothing did", () => {
    const graph = chain(["Abs", "Relu"]);
    const result = run(graph, [drop("Neg"), drop("Abs")]);
    expect(result).toMatchObject({ changed: ["drop-abs"], steps: 1 });
    expect(run(result.graph, [drop("Neg"), drop("Abs")]).graph).toBe(result.graph);
  });

  it("counts stopAfter over all passes", () => {
    const result = run(chain(["Abs", "Abs", "Neg", "Neg", "Relu"]), [drop("Abs"), drop("Neg")], { stopAfter: 3 });
    expect(result.graph.nodes.map((node) => node.op)).toEqual(["Neg", "Relu"]);
    expect(result.steps).toBe(3);
  });

  it("checks what a pass requires and ensures", () => {
    const never = { says: "pigs fly", holds: () => false };
    const needs: Pass = { ...drop("Abs"), requires: never };
    const promises: Pass = { ...drop("Abs"), ensures: never };
    expect(() => run(chain(["Abs", "Relu"]), [needs])).toThrow('pass "drop-abs" requires that pigs fly');
    expect(() => run(chain(["Abs", "Relu"]), [promises])).toThrow('pass "drop-abs" did not ensure that pigs fly');
  });

  it("traces rules and whole-graph passes with their remarks", () => {
    const trace: TraceEntry[] = [];
    const remark = definePass({
      name: "remark",
      summary: "",
      example,
      transform: (graph, { note }) => {
        note("Left as it was.");
        return graph;
      },
    });
    run(chain(["Abs", "Relu"]), [drop("Abs"), remark], { trace });
    expect(trace).toEqual([
      { step: 1, pass: "drop-abs", rule: "drop", node: "Abs", added: [], removed: ["Abs"] },
      { step: 2, pass: "remark", rule: "remark", node: "*", added: [], removed: [], note: "Left as it was." },
    ]);
  });
});
