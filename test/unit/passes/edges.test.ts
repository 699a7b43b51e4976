import { describe, expect, it } from "vitest";
import { type Dim, valueById } from "../../../src/ir/index.ts";
import {
  bindBatch,
  convertFloat16With,
  freeBatchWith,
  importPipeline,
  PASSES,
  runPasses,
  spellReshape,
} from "../../../src/passes/index.ts";
import type { TraceEntry } from "../../../src/rewrite/index.ts";
import { outputDifference } from "./outputs.ts";
import { failure, ops, parse, rewritten } from "./rewriting.ts";

describe("free-batch", () => {
  const refused = (body: string) => failure(() => rewritten(body, "free-batch"));

  it("refuses a model that computes across its batch, with the node", () => {
    const error = refused(
      'input %"x": float32[1, 4]\n%"y": float32[1, 4] = Softmax(%"x") {axis=0} @"soft"\nreturn %"y"',
    );
    expect(error.code).toBe("unsupported");
    expect(error.message).toBe("Softmax computes across the batch axis");
    expect(error.where).toContain('node "soft"');
  });

  it.each([
    ["CumSum", 'const %"axis" = int64[] {0}\n%"y": float32[1, 4, 4] = CumSum(%"x", %"axis") @"op"'],
    [
      "ScatterND",
      'const %"at" = int64[1, 1] {0}\nconst %"u" = float32[1, 4, 4] base64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="\n%"y": float32[1, 4, 4] = ScatterND(%"x", %"at", %"u") @"op"',
    ],
    ["Einsum", '%"y": float32[4, 4] = Einsum(%"x") {equation="nij->ij"} @"op"'],
    ["MeanVarianceNormalization", '%"y": float32[1, 4, 4] = MeanVarianceNormalization(%"x") {axes=[0, 2]} @"op"'],
  ])("refuses %s across the batch", (op, node) => {
    expect(refused(`input %"x": float32[1, 4, 4]\n${node}\nreturn %"y"`).message).toBe(
      `${op} computes across the batch axis`,
    );
  });

  it("refuses a model whose output has lost the batch", () => {
    const error = refused(
      'input %"x": float32[1, 4]\nconst %"to" = int64[1] {4}\n%"y": float32[4] = Reshape(%"x", %"to") @"r"\nreturn %"y"',
    );
    expect(error.where).toContain("making the batch of 1 free");
    const sum = refused('input %"x": float32[1, 4]\n%"y": float32[1, 1] = ReduceSum(%"x") @"sum"\nreturn %"y"');
    expect(sum.message).toBe("ReduceSum computes across the batch axis");
  });

  it("refuses inputs of different batch, and keeps such a model on request with a remark", () => {
    const body =
      'input %"x": float32[1, 4]\ninput %"h": float32[2, 4]\n%"y": float32[2, 4] = Add(%"x", %"h") @"add"\nreturn %"y"';
    expect(refused(body).message).toMatch(/share no batch/);
    const trace: TraceEntry[] = [];
    const graph = parse(body);
    expect(runPasses(graph, [freeBatchWith({ onFixed: "keep" })], { trace })).toBe(graph);
    expect(trace[0]?.note).toMatch(/stays: The inputs share no batch/);
    expect(runPasses(graph, importPipeline)).toBe(graph);
  });

  it("refuses a model that compares its samples or picks one of them", () => {
    const pairs = refused(`input %"x": float32[1, 4]
%"t": float32[4, 1] = Transpose(%"x") {perm=[1, 0]} @"t"
%"y": float32[1, 1] = MatMul(%"x", %"t") @"pairs"
return %"y"`);
    expect(pairs.where).toContain('node "pairs"');
    const first = refused(`input %"x": float32[1, 4]
const %"i" = int64[] {0}
%"f": float32[4] = Gather(%"x", %"i") @"first"
%"y": float32[1, 4] = Add(%"x", %"f") @"add"
return %"y"`);
    expect(first.where).toContain('node "first"');
  });

  it("frees a larger batch and gives another symbol the common name", () => {
    const text =
      'input %"x": float32[8, 2, 2]\nconst %"to" = int64[2] {8, 4}\n%"y": float32[8, 4] = Reshape(%"x", %"to") @"r"\nreturn %"y"';
    const freed = rewritten(text, "free-batch");
    expect(valueById(freed, freed.outputs[0]!).type.shape).toEqual(["N", 4]);
    const named = rewritten(text.replaceAll("float32[8,", "float32[batch,").replace("{8, 4}", "{-1, 4}"), "free-batch");
    expect(valueById(named, named.outputs[0]!).type.shape).toEqual(["N", 4]);
  });
});

describe("bind-batch", () => {
  it("refuses a batch that is no positive whole number", () => {
    expect(failure(() => bindBatch(0)).code).toBe("usage");
    expect(failure(() => bindBatch(1.5)).message).toBe("A batch must be a whole number of at least 1, got 1.5");
  });

  it("undoes free-batch", () => {
    const text =
      'input %"x": float32[4, 2, 2]\nconst %"to" = int64[2] {4, -1}\n%"y": float32[4, 4] = Reshape(%"x", %"to") @"r"\nreturn %"y"';
    const bound = runPasses(rewritten(text, "free-batch"), [bindBatch(4)]);
    expect(bound.inputs.concat(bound.outputs).map((id) => valueById(bound, id).type.shape)).toEqual([
      [4, 2, 2],
      [4, 4],
    ]);
  });
});

describe("convert-float16", () => {
  const text = `input %"x": float32[N, 2]
const %"w" = float32[2] {70000, 1}
%"a": float32[N, 2] = Mul(%"x", %"w") @"mul"
%"b": float32[N, 2] = Relu(%"a") @"relu"
%"y": float32[N, 2] = Neg(%"b") @"neg"
return %"y"`;

  it("names a weight that float16 cannot hold", () => {
    const error = failure(() => rewritten(text, "convert-float16"));
    expect(error.message).toBe('Weight "w" holds 70000, float16 ends at 65504');
    expect(error.hint).toMatch(/keepFloat32/);
  });

  it("keeps named nodes and operators in float32, with casts around them", async () => {
    const graph = parse(text);
    for (const keep of ["mul", "Mul"]) {
      const half = runPasses(graph, [convertFloat16With({ keepFloat32: [keep] })]);
      expect(ops(half)).toBe("Mul Cast Relu Neg Cast");
      expect(await outputDifference(graph, half)).toBeLessThan(2e-3);
    }
  });

  it("refuses to keep what is not there", () => {
    const error = failure(() => runPasses(parse(text), [convertFloat16With({ keepFloat32: ["Mull"] })]));
    expect(error.message).toMatch(/"Mull", which is neither an operator nor a node/);
    expect(error.hint).toMatch(/Did you mean "Mul"/);
  });

  it("leaves infinities of bounds as they are, and turns a cast to float into one to float16", () => {
    const half = rewritten(
      `input %"x": float32[N, 2]
const %"low" = float32[] {-inf}
const %"high" = float32[] {6}
%"a": float32[N, 2] = Clip(%"x", %"low", %"high") @"clip"
const %"h" = float32[2] {1, 2}
%"g": bool[N, 2] = Greater(%"a", %"h") @"greater"
%"y": float32[N, 2] = Cast(%"g") {to=1} @"cast"
return %"y"`,
      "convert-float16",
    );
    expect(half.nodes.map((node) => `${node.op} ${node.attrs.to ?? ""}`.trim())).toEqual([
      "Cast 10",
      "Clip",
      "Greater",
      "Cast 10",
      "Cast 1",
    ]);
  });
});

describe("eliminate-common-subexpressions", () => {
  it("does not tie weights that happen to be equal", () => {
    const text = `input %"x": float32[N, 2]
const %"a" = float32[2] {0, 0}
%"p": float32[N, 2] = Add(%"x", %"a") @"first"
const %"b" = float32[2] {0, 0}
%"q": float32[N, 2] = Add(%"x", %"b") @"second"
%"y": float32[N, 2] = Mul(%"p", %"q") @"mul"
return %"y"`;
    expect(ops(rewritten(text, "eliminate-common-subexpressions"))).toBe("Add Add Mul");
  });

  it("sees equal axes, and tells attributes apart", () => {
    const text = `input %"x": float32[N, 2, 3]
const %"a" = int64[1] {1}
%"p": float32[N, 1, 3] = ReduceSum(%"x", %"a") @"first"
const %"b" = int64[1] {1}
%"q": float32[N, 1, 3] = ReduceSum(%"x", %"b") @"second"
%"r": float32[N, 3] = ReduceSum(%"x", %"b") {keepdims=0} @"third"
%"s": float32[N, 1, 3] = Mul(%"p", %"q") @"mul"
return %"s", %"r"`;
    expect(ops(rewritten(text, "eliminate-common-subexpressions"))).toBe("ReduceSum ReduceSum Mul");
  });
});

describe("remove-identity", () => {
  it("keeps what broadcasts, turns round or only looks neutral", () => {
    const text = `input %"x": float32[3]
const %"one" = float32[2, 1] {1, 1}
%"a": float32[2, 3] = Mul(%"x", %"one") @"broadcasts"
const %"zero" = float32[] {0}
%"b": float32[2, 3] = Sub(%"zero", %"a") @"negates"
const %"s" = int64[1] {-1}
const %"e" = int64[1] {-9}
const %"ax" = int64[1] {1}
const %"st" = int64[1] {-1}
%"c": float32[2, 3] = Slice(%"b", %"s", %"e", %"ax", %"st") @"reverses"
%"d": float32[2, 3] = Transpose(%"c") {perm=[0, 1]} @"idle"
%"y": float32[2, 3] = Relu(%"d") @"relu"
return %"y"`;
    expect(rewritten(text, "remove-identity").nodes.map((node) => node.name)).toEqual([
      "broadcasts",
      "negates",
      "reverses",
      "relu",
    ]);
  });

  it("knows a resize by 1 from one that only rounds to the same size", () => {
    const resize = (scale: number, attrs: string) => `input %"x": float32[N, 2, 3, 3]
const %"s" = float32[4] {1, 1, ${scale}, 1}
%"r": float32[N, 2, 3, 3] = Resize(%"x", _, %"s") {${attrs}} @"resize"
%"y": float32[N, 2, 3, 3] = Relu(%"r") @"relu"
return %"y"`;
    expect(ops(rewritten(resize(1, 'mode="linear"'), "remove-identity"))).toBe("Relu");
    expect(ops(rewritten(resize(1.25, 'mode="linear"'), "remove-identity"))).toBe("Resize Relu");
  });

  it("removes bounds at infinity and reductions of axes of size 1, but for the batch", () => {
    const text = `input %"x": float32[1, 1, 3]
const %"low" = float32[] {-inf}
%"m": float32[1, 1, 3] = Max(%"low", %"x") @"max"
const %"one" = int64[1] {1}
%"a": float32[1, 1, 3] = ReduceMean(%"m", %"one") @"channel"
const %"zero" = int64[1] {0}
%"b": float32[1, 1, 3] = ReduceMean(%"a", %"zero") @"batch"
%"y": float32[1, 1, 3] = Relu(%"b") @"relu"
return %"y"`;
    expect(rewritten(text, "remove-identity").nodes.map((node) => node.name)).toEqual(["batch", "relu"]);
  });

  it("composes transposes that do not cancel", async () => {
    const text = `input %"x": float32[N, 2, 4, 5]
%"a": float32[N, 4, 5, 2] = Transpose(%"x") {perm=[0, 2, 3, 1]} @"t1"
%"y": float32[N, 5, 4, 2] = Transpose(%"a") {perm=[0, 2, 1, 3]} @"t2"
return %"y"`;
    const merged = rewritten(text, "remove-identity");
    expect(ops(merged)).toBe("Transpose");
    expect(await outputDifference(parse(text), merged)).toBe(0);
  });
});

describe("fuse-activation-clip", () => {
  it.each([
    ["an empty interval", 'Max(%"x", %"six") @"max"', 'Clip(%"m", %"six", %"zero") @"clip"', "Clip Clip"],
    ["bounds one after the other", 'Max(%"x", %"zero") @"max"', 'Min(%"six", %"m") @"min"', "Clip"],
    ["disjoint bounds", 'Clip(%"x", _, %"zero") @"clip"', 'Max(%"m", %"six") @"max"', "Clip"],
    ["a sign", 'Neg(%"x") @"neg"', 'Max(%"m", %"zero") @"max"', "Neg Relu"],
  ])("%s", async (_, first, second, expected) => {
    const text = `input %"x": float32[N, 4]
const %"zero" = float32[] {0}
const %"six" = float32[] {6}
%"m": float32[N, 4] = ${first}
%"y": float32[N, 4] = ${second}
return %"y"`;
    const fused = rewritten(text, "fuse-activation-clip");
    expect(ops(fused)).toBe(expected);
    expect(await outputDifference(parse(text), fused)).toBe(0);
  });
});

describe("runPasses", () => {
  it("suggests the nearest pass for an unknown one", () => {
    const error = failure(() =>
      rewritten(`input %"x": float32[2]\n%"c": float32[2] = Relu(%"x") @"relu"\nreturn %"c"`, "fold-batchnorm"),
    );
    expect(error.code).toBe("usage");
    expect(error.hint).toMatch(/Did you mean "fold-batch-norm"/);
  });

  it("lists passes under the names of their files, each with a summary of one sentence", () => {
    for (const [name, pass] of PASSES) {
      expect(pass.name).toBe(name);
      expect(pass.summary).toMatch(/^[A-Z].*\.$/);
      expect(pass.rules === undefined).not.toBe(pass.transform === undefined);
    }
  });
});

describe("simplify-reshape", () => {
  it("keeps the axes of a reduction that a reshape puts back", async () => {
    const text = `input %"x": float32[N, 2, 4, 4]
const %"axes" = int64[2] {2, 3}
%"m": float32[N, 2] = ReduceMean(%"x", %"axes") {keepdims=0} @"mean"
const %"to" = int64[4] {-1, 2, 1, 1}
%"r": float32[N, 2, 1, 1] = Reshape(%"m", %"to") @"back"
%"y": float32[N, 2, 4, 4] = Mul(%"x", %"r") @"gate"
return %"y"`;
    const graph = rewritten(text, "simplify-reshape");
    expect(ops(graph)).toBe("ReduceMean Mul");
    expect(await outputDifference(parse(text), graph)).toBe(0);
    expect(ops(runPasses(parse(text), importPipeline))).toBe("GlobalAveragePool Mul");
  });

  it("writes out the axes of a Squeeze that would drop a batch of 1", async () => {
    const text = `input %"x": float32[N, 3, 1, 2]
%"s": float32[N, 3, 2] = Squeeze(%"x") @"squeeze"
%"y": float32[N, 3, 2] = Relu(%"s") @"relu"
return %"y"`;
    const graph = rewritten(text, "simplify-reshape");
    expect(graph.nodes[0]?.inputs.length).toBe(2);
    expect(await outputDifference(parse(text), graph, 2)).toBe(0);
    const idle = `input %"x": float32[N, 3]
%"s": float32[N, 3] = Squeeze(%"x") @"squeeze"
%"y": float32[N, 3] = Relu(%"s") @"relu"
return %"y"`;
    expect(ops(rewritten(idle, "simplify-reshape"))).toBe("Relu");
  });

  it.each([
    ["merges the channels and keeps the batch", ["N", 64, 4, 4], ["N", 1024], [0, -1]],
    ["splits an axis", ["N", 8, 12], ["N", 8, 3, 4], [0, 0, 3, 4]],
    ["adds an axis in front", ["N", 8], [1, "N", 8], [1, -1, 8]],
    ["adds an axis behind", ["N", 8], ["N", 8, 1], [0, 0, -1]],
    ["drops to a vector", [1, 8], [8], [-1]],
    ["has no spelling for two symbols out of place", ["N", "M"], ["M", "N"], null],
    ["has no spelling for empty tensors", ["N", 0], ["N", 0], null],
  ])("spells a reshape that %s", (_, from, to, spelling) => {
    expect(spellReshape(from as Dim[], to as Dim[])).toEqual(spelling);
  });
});
