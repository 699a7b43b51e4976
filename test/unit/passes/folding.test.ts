import { describe, expect, it } from "vitest";
import { valueById } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { runPasses } from "../../../src/passes/index.ts";
import { float32, int64s } from "../../../src/tensor/index.ts";
import { outputDifference } from "./outputs.ts";
import { ops, parse, rewritten } from "./rewriting.ts";

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

describe("fold-channel-affine", () => {
  it("makes no bias of zeros where there was none", () => {
    const text = `${input}\n${conv}\nconst %"two" = float32[] {2}\n%"y": float32[N, 2, 4, 4] = Mul(%"c", %"two") @"mul"\nreturn %"y"`;
    const folded = rewritten(text, "fold-channel-affine");
    expect(folded.nodes.map((node) => node.inputs.length)).toEqual([2]);
  });

  it("keeps a constant that varies over positions or adds an axis", () => {
    const wide = 'const %"k" = float32[4] {1, 2, 3, 4}';
    expect(
      ops(
        rewritten(
          `${input}\n${conv}\n${wide}\n%"y": float32[N, 2, 4, 4] = Add(%"c", %"k") @"add"\nreturn %"y"`,
          "fold-channel-affine",
        ),
      ),
    ).toBe("Conv Add");
    const deep = 'const %"k" = float32[1, 1, 2, 1, 1] {1, 2}';
    const deeper = `${input}\n${conv}\n${deep}\n%"y": float32[1, N, 2, 4, 4] = Add(%"c", %"k") @"add"\nreturn %"y"`;
    expect(ops(rewritten(deeper, "fold-channel-affine"))).toBe("Conv Add");
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
