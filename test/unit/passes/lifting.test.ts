import { describe, expect, it } from "vitest";
import { importPipeline, PASSES, runPasses } from "../../../src/passes/index.ts";
import { difference, outputDifference, randomFeeds, runSmall } from "./outputs.ts";
import { ops, parse, rewritten } from "./rewriting.ts";
import { spelledModel } from "./spelled-model.ts";

const lifts = ["lift-activations", "lift-softmax", "lift-layer-norm", "lift-batch-norm", "fuse-activation-clip"];

describe.each(Array.from({ length: 60 }, (_, i) => i + 1))("spelled-out network %i", (seed) => {
  it("is recognised operator by operator, with equal outputs", async () => {
    const { graph, operators } = spelledModel(seed);
    const lifted = runPasses(graph, lifts);
    expect(ops(lifted)).toBe(operators.join(" "));
    expect(await outputDifference(graph, lifted)).toBeLessThan(1e-4);
  });
});

describe.each([1, 2, 3, 4, 5, 6, 7, 8])("spelled-out network %i", (seed) => {
  it("keeps its outputs through every pass and the import, each idempotent", async () => {
    const { graph } = spelledModel(seed, { blocks: 4, batch: seed % 2 === 0 ? 1 : "N" });
    const feeds = randomFeeds(graph, 1, seed);
    const expected = await runSmall(graph, feeds);
    for (const pass of PASSES.values()) {
      const once = runPasses(graph, [pass]);
      expect(runPasses(once, [pass]), `${pass.name} twice`).toBe(once);
      if (once === graph) continue;
      const tolerance = pass.name === "convert-float16" ? 3e-2 : 1e-4;
      expect(difference(expected, await runSmall(once, feeds)), pass.name).toBeLessThan(tolerance);
    }
    const imported = runPasses(graph, importPipeline);
    expect(runPasses(imported, importPipeline)).toBe(imported);
    expect(difference(expected, await runSmall(imported, feeds))).toBeLessThan(1e-4);
  });
});

const input = 'input %"x": float32[N, 4]';

describe("what only looks like an activation", () => {
  it.each([
    ["another root", "1.4", "0.5"],
    ["another half", "1.4142135381698608", "0.25"],
  ])("GELU with %s stays", (_, root, half) => {
    const text = `${input}
const %"root" = float32[] {${root}}
%"a": float32[N, 4] = Div(%"x", %"root") @"div"
%"e": float32[N, 4] = Erf(%"a") @"erf"
const %"one" = float32[] {1}
%"s": float32[N, 4] = Add(%"e", %"one") @"add"
%"m": float32[N, 4] = Mul(%"x", %"s") @"mul"
const %"half" = float32[] {${half}}
%"y": float32[N, 4] = Mul(%"m", %"half") @"gelu"
return %"y"`;
    expect(ops(rewritten(text, "lift-activations"))).toBe("Div Erf Add Mul Mul");
  });

  it("Swish and quick GELU stay pairs", () => {
    const swish = `${input}
%"s": float32[N, 4] = Sigmoid(%"x") @"gate"
%"y": float32[N, 4] = Mul(%"x", %"s") @"swish"
return %"y"`;
    expect(ops(runPasses(parse(swish), importPipeline))).toBe("Sigmoid Mul");
    const quick = `${input}
const %"k" = float32[] {1.702}
%"a": float32[N, 4] = Mul(%"x", %"k") @"scale"
%"s": float32[N, 4] = Sigmoid(%"a") @"gate"
%"y": float32[N, 4] = Mul(%"x", %"s") @"quick"
return %"y"`;
    expect(ops(runPasses(parse(quick), importPipeline))).toBe("Mul Sigmoid Mul");
  });

  it("the positive part added twice is no PReLU, nor is a negative part of another value", () => {
    const text = (second: string) => `${input}
%"p": float32[N, 4] = Relu(%"x") @"relu"
%"n": float32[N, 4] = Neg(${second}) @"neg"
%"r": float32[N, 4] = Relu(%"n") @"relu2"
const %"slope" = float32[4] {1, 2, 3, 4}
%"b": float32[N, 4] = Mul(%"slope", %"r") @"scale"
%"y": float32[N, 4] = Add(%"p", %"b") @"add"
return %"y"`;
    // relu(x) + slope relu(-x): the sign is missing.
    expect(ops(rewritten(text('%"x"'), "lift-activations"))).toBe("Relu Neg Relu Mul Add");
    expect(ops(rewritten(text('%"p"'), "lift-activations"))).toBe("Relu Neg Relu Mul Add");
  });

  it("max(x, 2 x) is no leaky ReLU", () => {
    const text = `${input}
const %"k" = float32[] {2}
%"a": float32[N, 4] = Mul(%"x", %"k") @"scale"
%"y": float32[N, 4] = Max(%"x", %"a") @"max"
return %"y"`;
    expect(ops(rewritten(text, "lift-activations"))).toBe("Mul Max");
  });
});

describe("lift-softmax", () => {
  const softmax = (shift: string, axes: string) => `input %"x": float32[N, 3, 4]
const %"axes" = int64[1] {${axes}}
${shift}
%"e": float32[N, 3, 4] = Exp(%"d") @"exp"
const %"sumAxes" = int64[1] {-1}
%"s": float32[N, 3, 1] = ReduceSum(%"e", %"sumAxes") @"sum"
%"y": float32[N, 3, 4] = Div(%"e", %"s") @"div"
return %"y"`;

  it("takes out a shift that is the same along the axis, and keeps one that is not", async () => {
    const same = softmax(
      '%"m": float32[N, 3, 1] = ReduceMax(%"x", %"axes") @"max"\n%"d": float32[N, 3, 4] = Sub(%"x", %"m") @"sub"',
      "2",
    );
    expect(ops(rewritten(same, "lift-softmax"))).toBe("Softmax");
    const other = softmax(
      '%"m": float32[N, 1, 4] = ReduceMax(%"x", %"axes") @"max"\n%"d": float32[N, 3, 4] = Sub(%"x", %"m") @"sub"',
      "1",
    );
    const lifted = rewritten(other, "lift-softmax");
    expect(ops(lifted)).toBe("ReduceMax Sub Softmax");
    expect(await outputDifference(parse(other), lifted)).toBeLessThan(1e-6);
  });
});

describe("lift-layer-norm", () => {
  const norm = (axes: string, kept: string) => `input %"x": float32[N, 3, 4]
const %"axes" = int64[1] {${axes}}
%"m": float32[${kept}] = ReduceMean(%"x", %"axes") @"mean"
%"c": float32[N, 3, 4] = Sub(%"x", %"m") @"centre"
%"q": float32[N, 3, 4] = Mul(%"c", %"c") @"square"
%"v": float32[${kept}] = ReduceMean(%"q", %"axes") @"variance"
const %"eps" = float32[] {0.125}
%"e": float32[${kept}] = Add(%"v", %"eps") @"add"
%"d": float32[${kept}] = Sqrt(%"e") @"sqrt"
%"y": float32[N, 3, 4] = Div(%"c", %"d") @"div"
return %"y"`;

  it("needs the last axes", () => {
    expect(ops(rewritten(norm("2", "N, 3, 1"), "lift-layer-norm"))).toBe("LayerNormalization");
    expect(ops(rewritten(norm("1", "N, 1, 4"), "lift-layer-norm"))).toBe("ReduceMean Sub Mul ReduceMean Add Sqrt Div");
  });

  it("keeps a scale of another shape, and the root mean square, as they are", () => {
    const scaled = norm("2", "N, 3, 1").replace(
      'return %"y"',
      'const %"g" = float32[3, 1] {1, 2, 3}\n%"z": float32[N, 3, 4] = Mul(%"y", %"g") @"scale"\nreturn %"z"',
    );
    expect(ops(rewritten(scaled, "lift-layer-norm"))).toBe("LayerNormalization Mul");
    const rms = `input %"x": float32[N, 4]
const %"axes" = int64[1] {1}
%"q": float32[N, 4] = Mul(%"x", %"x") @"square"
%"v": float32[N, 1] = ReduceMean(%"q", %"axes") @"variance"
const %"eps" = float32[] {0.125}
%"e": float32[N, 1] = Add(%"v", %"eps") @"add"
%"d": float32[N, 1] = Sqrt(%"e") @"sqrt"
%"y": float32[N, 4] = Div(%"x", %"d") @"div"
return %"y"`;
    expect(ops(rewritten(rms, "lift-layer-norm"))).toBe("Mul ReduceMean Add Sqrt Div");
  });
});

describe("lift-batch-norm", () => {
  it("leaves a multiplication and an addition, which keep no statistics, and a deviation below 0", () => {
    const pair = `input %"x": float32[N, 2, 3]
const %"a" = float32[2, 1] {1, 2}
%"m": float32[N, 2, 3] = Mul(%"x", %"a") @"mul"
const %"b" = float32[2, 1] {3, 4}
%"y": float32[N, 2, 3] = Add(%"m", %"b") @"add"
return %"y"`;
    expect(ops(rewritten(pair, "lift-batch-norm"))).toBe("Mul Add");
    const before = PASSES.get("lift-batch-norm")!.example.before;
    expect(ops(rewritten(before.slice(before.indexOf("\n") + 1, -2), "lift-batch-norm"))).toBe("BatchNormalization");
    const negative = before.replace(
      '%"deviation" = float32[2, 1, 1] {2, 3}',
      '%"deviation" = float32[2, 1, 1] {-2, 3}',
    );
    expect(ops(rewritten(negative.slice(negative.indexOf("\n") + 1, -2), "lift-batch-norm"))).toBe("Sub Div Mul Add");
  });
});
