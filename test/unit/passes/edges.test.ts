import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, parseGraph, valueById } from "../../../src/ir/index.ts";
import { inferTypes, newBuilder } from "../../../src/ops/index.ts";
import {
  bindBatch,
  convertFloat16With,
  freeBatchWith,
  importPipeline,
  PASSES,
  runPasses,
} from "../../../src/passes/index.ts";
import type { TraceEntry } from "../../../src/rewrite/index.ts";
import { float32, int64s } from "../../../src/tensor/index.ts";
import { outputDifference } from "./outputs.ts";

const parse = (body: string) => parseGraph(`graph "g" {\n${body}\n}`, inferTypes);
const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
const rewritten = (body: string, ...passes: string[]) => runPasses(parse(body), passes);

function failure(work: () => unknown): EspalierError {
  try {
    work();
  } catch (error) {
    return error as EspalierError;
  }
  throw new Error("nothing was thrown");
}

const norm = (x: string, y: string, channels = 2) =>
  ["scale", "shift", "mean", "var"]
    .map(
      (p, i) =>
        `const %"${y}.${p}" = float32[${channels}] {${Array.from({ length: channels }, (_, c) => i + c + 1).join(", ")}}`,
    )
    .concat(
      `%"${y}": float32[N, ${channels}, 4, 4] = BatchNormalization(%"${x}", %"${y}.scale", %"${y}.shift", %"${y}.mean", %"${y}.var") @"${y}"`,
    )
    .join("\n");

const input = 'input %"x": float32[N, 2, 4, 4]';
const weight = 'const %"w" = float32[2, 2, 1, 1] {1, 2, 3, 4}';
const conv = `${weight}\n%"c": float32[N, 2, 4, 4] = Conv(%"x", %"w") @"conv"`;
const depthwise = 'const %"d" = float32[2, 1, 3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9}'.replace(
  /\{.*\}/,
  `base64 "${Buffer.from(new Uint8Array(Float32Array.from({ length: 18 }, (_, i) => (i % 7) - 3).buffer)).toString("base64")}"`,
);

describe("fold-batch-norm", () => {
  it("leaves a convolution alone whose output others read or the graph returns", () => {
    const shared = `${input}\n${conv}\n${norm("c", "y")}\n%"z": float32[N, 2, 4, 4] = Add(%"c", %"y") @"add"\nreturn %"z"`;
    expect(ops(rewritten(shared, "fold-batch-norm"))).toBe("Conv BatchNormalization Add");
    const returned = `${input}\n${conv}\n${norm("c", "y")}\nreturn %"y", %"c"`;
    expect(ops(rewritten(returned, "fold-batch-norm"))).toBe("Conv BatchNormalization");
  });

  it("stays in front of a padded convolution, and goes into one without padding", async () => {
    const padded = `${input}\n${norm("x", "n")}\n${depthwise}\n%"y": float32[N, 2, 4, 4] = Conv(%"n", %"d") {group=2, pads=[1, 1, 1, 1]} @"conv"\nreturn %"y"`;
    expect(ops(rewritten(padded, "fold-batch-norm"))).toBe("BatchNormalization Conv");
    const bare = padded.replace("[N, 2, 4, 4] = Conv", "[N, 2, 2, 2] = Conv").replace(", pads=[1, 1, 1, 1]", "");
    const folded = rewritten(bare, "fold-batch-norm");
    expect(ops(folded)).toBe("Conv");
    expect(await outputDifference(parse(bare), folded)).toBeLessThan(1e-5);
  });

  it("goes into a grouped transposed convolution channel by channel", async () => {
    const text = `${input}\nconst %"t" = float32[2, 2, 1, 1] {1, 2, 3, 4}\n%"c": float32[N, 4, 4, 4] = ConvTranspose(%"x", %"t") {group=2} @"up"\n${norm("c", "y", 4)}\nreturn %"y"`;
    const folded = rewritten(text, "fold-batch-norm");
    expect(ops(folded)).toBe("ConvTranspose");
    expect(await outputDifference(parse(text), folded)).toBeLessThan(1e-5);
  });

  it("refuses parameters that make no finite weight", () => {
    const text = `${input}\n${conv}\n${norm("c", "y")}\nreturn %"y"`.replace(
      '%"y.var" = float32[2] {4, 5}',
      '%"y.var" = float32[2] {-4, 5}',
    );
    expect(ops(rewritten(text, "fold-batch-norm"))).toBe("Conv BatchNormalization");
  });
});

describe("merge-pads", () => {
  const padded = (pads: string, rest: string) => `${input}\nconst %"p" = int64[8] {${pads}}\n${rest}`;

  it.each([
    ["a value that is not 0", `const %"v" = float32[] {1}\n%"q": float32[N, 2, 6, 6] = Pad(%"x", %"p", %"v") @"pad"`],
    ["a reflection", `%"q": float32[N, 2, 6, 6] = Pad(%"x", %"p") {mode="reflect"} @"pad"`],
  ])("keeps %s", (_, pad) => {
    const text = padded(
      "0, 0, 1, 1, 0, 0, 1, 1",
      `${pad}\n${weight}\n%"y": float32[N, 2, 6, 6] = Conv(%"q", %"w") @"conv"\nreturn %"y"`,
    );
    expect(ops(rewritten(text, "merge-pads"))).toBe("Pad Conv");
  });

  it("keeps padding of channels and cropping", () => {
    const channels = padded(
      "0, 1, 0, 0, 0, 1, 0, 0",
      `%"q": float32[N, 4, 4, 4] = Pad(%"x", %"p") @"pad"\nconst %"w" = float32[1, 4, 1, 1] {1, 2, 3, 4}\n%"y": float32[N, 1, 4, 4] = Conv(%"q", %"w") @"conv"\nreturn %"y"`,
    );
    expect(ops(rewritten(channels, "merge-pads"))).toBe("Pad Conv");
    const crop = padded(
      "0, 0, -1, 0, 0, 0, 0, 0",
      `%"q": float32[N, 2, 3, 4] = Pad(%"x", %"p") @"pad"\n${weight}\n%"y": float32[N, 2, 3, 4] = Conv(%"q", %"w") @"conv"\nreturn %"y"`,
    );
    expect(ops(rewritten(crop, "merge-pads"))).toBe("Pad Conv");
  });

  it("adds to SAME padding by its resolved sides", async () => {
    const text = padded(
      "0, 0, 1, 0, 0, 0, 0, 2",
      `%"q": float32[N, 2, 5, 6] = Pad(%"x", %"p") @"pad"\n${depthwise}\n%"y": float32[N, 2, 3, 3] = Conv(%"q", %"d") {auto_pad="SAME_UPPER", group=2, strides=[2, 2]} @"conv"\nreturn %"y"`,
    );
    const merged = rewritten(text, "merge-pads");
    expect(ops(merged)).toBe("Conv");
    expect(await outputDifference(parse(text), merged)).toBeLessThan(1e-6);
  });

  it("keeps padding in front of a pool that does not count its own", () => {
    const pool = (attrs: string) =>
      padded(
        "0, 0, 1, 1, 0, 0, 1, 1",
        `%"q": float32[N, 2, 6, 6] = Pad(%"x", %"p") @"pad"\n%"y": float32[N, 2, 6, 6] = AveragePool(%"q") {${attrs}kernel_shape=[3, 3], pads=[1, 1, 1, 1]} @"pool"\nreturn %"y"`,
      );
    expect(ops(rewritten(pool(""), "merge-pads"))).toBe("Pad AveragePool");
    expect(ops(rewritten(pool("count_include_pad=1, "), "merge-pads"))).toBe("AveragePool");
  });
});

describe("fold-constants", () => {
  it("does not inflate the file: a large Expand stays", () => {
    const b = newBuilder("g");
    const x = b.input("x", { dtype: "float32", shape: [200, 200] });
    const wide = b.node("Expand", [b.constant("one", float32([1], [1])), b.constant("to", int64s([200, 200]))]);
    b.output(b.node("Add", [x, wide]));
    expect(ops(runPasses(b.build(), ["fold-constants"]))).toBe("Expand Add");
  });

  it.each([
    [
      "division by zero",
      'const %"a" = int64[1] {7}\nconst %"b" = int64[1] {0}\n%"c": int64[1] = Div(%"a", %"b") @"op"',
      1,
    ],
    [
      "overflow",
      'const %"a" = int32[1] {2000000000}\nconst %"b" = int32[1] {2}\n%"c": int32[1] = Mul(%"a", %"b") @"op"',
      1,
    ],
    ["a cast out of range", 'const %"a" = float32[1] {300}\n%"c": uint8[1] = Cast(%"a") {to=2} @"op"', 1],
    [
      "truncating division",
      'const %"a" = int64[1] {-7}\nconst %"b" = int64[1] {2}\n%"c": int64[1] = Div(%"a", %"b") @"op"',
      0,
    ],
    [
      "dequantised weights",
      'const %"a" = int8[1] {3}\nconst %"b" = float32[] {0.5}\n%"c": float32[1] = DequantizeLinear(%"a", %"b") @"op"',
      1,
    ],
  ])("%s", (_, body, nodes) => {
    expect(rewritten(`${body}\nreturn %"c"`, "fold-constants").nodes.length).toBe(nodes);
  });

  it("divides integers towards zero and rounds floats once", () => {
    const graph = rewritten(
      `const %"a" = int64[2] {-7, 7}
const %"b" = int64[] {2}
%"c": int64[2] = Div(%"a", %"b") @"int"
const %"e" = float32[1] {0.1}
const %"f" = float32[1] {0.7}
%"d": float32[1] = Div(%"e", %"f") @"float"
return %"c", %"d"`,
      "fold-constants",
    );
    const [ints, floats] = graph.outputs.map((id) => valueById(graph, id).data);
    expect([...(ints?.data ?? [])]).toEqual([-3n, 3n]);
    expect(floats?.data[0]).toBe(Math.fround(Math.fround(0.1) / Math.fround(0.7)));
    expect(graph.outputs.map((id) => valueById(graph, id).name)).toEqual(["c", "d"]);
  });
});

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
    const error = failure(() => rewritten(`${input}\n${conv}\nreturn %"c"`, "fold-batchnorm"));
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
