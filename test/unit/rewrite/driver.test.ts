import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, parseGraph, printGraph, type ValueId } from "../../../src/ir/index.ts";
import { inferTypes, newBuilder, validateGraph } from "../../../src/ops/index.ts";
import {
  applyRules,
  bypass,
  type GraphView,
  PatchBuilder,
  type Rule,
  replaceBy,
  rule,
  type TraceEntry,
} from "../../../src/rewrite/index.ts";
import { scalar } from "../../../src/tensor/index.ts";

const parse = (text: string) => parseGraph(text, inferTypes);

/** x -> op -> op -> ... -> y. */
function chain(ops: readonly string[]): Graph {
  const b = newBuilder("chain");
  let x = b.input("x", { dtype: "float32", shape: ["N", 2] });
  for (const op of ops) x = b.node(op, [x]);
  b.output(x);
  return b.build();
}

const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
const swap = (from: string, to: string): Rule =>
  rule(`${from}-to-${to}`, [from], (node, view) => replaceBy(view, node, (p) => p.node(to, [node.inputs[0]!])));
const dropAbs = rule("drop-abs", ["Abs"], (node, view) => bypass(view, node, node.inputs[0]));

function failure(work: () => unknown): EspalierError {
  try {
    work();
  } catch (error) {
    return error as EspalierError;
  }
  throw new Error("nothing was thrown");
}

describe("applyRules", () => {
  it("runs rules to a fixpoint: first the graph in its order, then what has changed", () => {
    const trace: TraceEntry[] = [];
    const graph = chain(["Abs", "Neg", "Abs", "Sign", "Relu"]);
    const result = applyRules(graph, [dropAbs, swap("Neg", "Abs"), swap("Sign", "Neg")], { trace, pass: "p" });
    expect(ops(result.graph)).toBe("Relu");
    expect(trace.map((entry) => `${entry.step} ${entry.rule} ${entry.node}`)).toEqual([
      "1 drop-abs Abs",
      "2 drop-abs Abs.1",
      "3 Neg-to-Abs Neg",
      "4 drop-abs Abs",
      "5 Sign-to-Neg Sign",
      "6 Neg-to-Abs Neg",
      "7 drop-abs Abs",
    ]);
    expect(result.steps).toBe(7);
    validateGraph(result.graph);
  });

  it("answers with the same graph when nothing matches", () => {
    const graph = chain(["Relu", "Neg"]);
    expect(applyRules(graph, [dropAbs])).toEqual({ graph, steps: 0 });
    expect(applyRules(graph, [dropAbs]).graph).toBe(graph);
  });

  it("does not touch the graph that it is given", () => {
    const graph = chain(["Abs", "Relu"]);
    const before = printGraph(graph);
    applyRules(graph, [dropAbs]);
    expect(printGraph(graph)).toBe(before);
  });

  it("names the rules that undo each other", () => {
    const error = failure(() => applyRules(chain(["Neg", "Relu"]), [swap("Neg", "Abs"), swap("Abs", "Neg")]));
    expect(error.code).toBe("internal");
    expect(error.message).toMatch(/came back to an earlier form by "Neg-to-Abs", "Abs-to-Neg"/);
  });

  it("sees a cycle that passes through constants and operand order", () => {
    const b = newBuilder("g");
    const x = b.input("x", { dtype: "float32", shape: [2] });
    b.output(b.node("Add", [x, b.constant("c", scalar("float32", 1))]));
    const turn = rule("turn", ["Add"], (node, view) =>
      replaceBy(view, node, (p) => {
        const again = (id: ValueId) => (view.constant(id) === null ? id : p.constant("c", scalar("float32", 1)));
        return p.node("Add", [again(node.inputs[1]!), again(node.inputs[0]!)]);
      }),
    );
    expect(failure(() => applyRules(b.build(), [turn])).message).toMatch(/"turn"/);
  });

  it("stops rules that grow the graph for ever, and names them", () => {
    const grow = rule("grow", ["Relu"], (node, view) =>
      replaceBy(view, node, (p) => p.node("Neg", [p.node("Relu", [node.inputs[0]!])])),
    );
    const error = failure(() => applyRules(chain(["Relu"]), [grow], { stepLimit: 50 }));
    expect(error.message).toMatch(/no end after 50 applications, lately of "grow"/);
  });

  it("stops after the given number of applications", () => {
    const graph = chain(["Abs", "Abs", "Abs", "Relu"]);
    expect(applyRules(graph, [dropAbs], { stopAfter: 0 }).graph).toBe(graph);
    expect(ops(applyRules(graph, [dropAbs], { stopAfter: 2 }).graph)).toBe("Abs Relu");
  });

  it("refuses a patch that changes a type, and says where", () => {
    const wrong = rule("wrong", ["Relu"], (node, view) =>
      replaceBy(view, node, (p) => p.node("Cast", [node.inputs[0]!], { to: 10 })),
    );
    const error = failure(() => applyRules(chain(["Relu"]), [wrong]));
    expect(error.message).toMatch(/replaces float32\[N, 2\] by float16\[N, 2\]/);
    expect(error.where).toContain('node "Relu"');
  });

  it("says which rule failed on which node", () => {
    const broken = rule("broken", ["Relu"], () => {
      throw new Error("oh");
    });
    const error = failure(() => applyRules(chain(["Relu"]), [broken]));
    expect(error.where).toBe('rule "broken" on node "Relu"');
    expect(error.code).toBe("internal");
  });
});

describe("patches", () => {
  it("keep the names of the graph's outputs and the place of what they replace", () => {
    const graph = parse(`graph "g" {
  input %"x": float32[N, 2]
  %"a": float32[N, 2] = Neg(%"x") @"first"
  %"b": float32[N, 2] = Relu(%"x") @"second"
  %"y": float32[N, 2] = Add(%"a", %"b") @"sum"
  %"z": float32[N, 2] = Abs(%"y") @"last"
  return %"z", %"b"
}
`);
    const result = applyRules(graph, [dropAbs, swap("Neg", "Sign")]).graph;
    expect(printGraph(result)).toBe(`graph "g" {
  input %"x": float32[N, 2]
  %"a": float32[N, 2] = Sign(%"x") @"Sign"
  %"b": float32[N, 2] = Relu(%"x") @"second"
  %"z": float32[N, 2] = Add(%"a", %"b") @"sum"
  return %"z", %"b"
}
`);
  });

  it("may wrap a value in a node that reads it", () => {
    const wrap = rule("wrap", ["Relu"], (node, view: GraphView) => {
      if (view.users(node.outputs[0]!).some((user) => user.op === "Neg")) return null;
      const patch = new PatchBuilder(view);
      return patch.replace(node.outputs[0]!, patch.node("Neg", [node.outputs[0]!])).done();
    });
    const result = applyRules(chain(["Relu"]), [wrap]).graph;
    validateGraph(result);
    expect(ops(result)).toBe("Relu Neg");
    expect(result.values.get(result.outputs[0]!)?.name).toBe("Relu");
  });

  it("do not return a graph's input, or one value under two output names", () => {
    const graph = parse(`graph "g" {
  input %"x": float32[2]
  %"y": float32[2] = Abs(%"x") @"abs"
  %"n": float32[2] = Neg(%"x") @"neg"
  %"z": float32[2] = Abs(%"n") @"abs2"
  return %"y", %"n", %"z"
}
`);
    expect(applyRules(graph, [dropAbs]).graph).toBe(graph);
  });

  it("remove what only the replaced node needed, weights included", () => {
    const graph = parse(`graph "g" {
  input %"x": float32[2]
  const %"w" = float32[2] {1, 2}
  %"a": float32[2] = Neg(%"w") @"neg"
  %"b": float32[2] = Add(%"x", %"a") @"add"
  %"y": float32[2] = Relu(%"b") @"relu"
  return %"y"
}
`);
    const drop = rule("drop", ["Add"], (node, view) => bypass(view, node, node.inputs[0]));
    const trace: TraceEntry[] = [];
    const result = applyRules(graph, [drop], { trace }).graph;
    expect(result.nodes.map((node) => node.name)).toEqual(["relu"]);
    expect([...result.values.values()].map((value) => value.name)).toEqual(["x", "y"]);
    expect(trace[0]?.removed).toEqual(["add", "neg"]);
  });

  it("show a rule again a node whose neighbour lost a reader", () => {
    const graph = parse(`graph "g" {
  input %"x": float32[2]
  %"a": float32[2] = Neg(%"x") @"neg"
  %"b": float32[2] = Relu(%"a") @"relu"
  %"d": float32[2] = Abs(%"a") @"abs"
  %"e": float32[2] = Add(%"b", %"x") @"add"
  %"f": float32[2] = Sub(%"e", %"d") @"sub"
  return %"f"
}
`);
    const fuse = rule("fuse", ["Relu"], (node, view) =>
      view.isPrivate(node.inputs[0]!) ? replaceBy(view, node, (p) => p.node("Sign", [node.inputs[0]!])) : null,
    );
    const cut = rule("cut", ["Sub"], (node, view) => bypass(view, node, node.inputs[0]));
    expect(ops(applyRules(graph, [fuse, cut]).graph)).toBe("Neg Sign Add");
  });
});

describe("cost", () => {
  it("rewrites a graph of 2,000 nodes in well under a second", () => {
    const pattern = ["Abs", "Neg", "Relu", "Abs"];
    const graph = chain(Array.from({ length: 2000 }, (_, i) => pattern[i % pattern.length]!));
    let looks = 0;
    const watch = rule("watch", "any", () => {
      looks++;
      return null;
    });
    const start = process.cpuUsage();
    const result = applyRules(graph, [watch, dropAbs, swap("Neg", "Sign")]);
    const { user, system } = process.cpuUsage(start);
    expect(result.steps).toBe(1500);
    expect(result.graph.nodes.length).toBe(1000);
    // Every node once at the start, its neighbours after a change, and once more at the end.
    expect(looks).toBeLessThan(5 * 2000);
    expect((user + system) / 1e6).toBeLessThan(1); // processor time: some 0.05 s
  });
});
