import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, hashGraph, parseGraph, printGraph } from "../../../src/ir/index.ts";
import { inferTypes, newBuilder } from "../../../src/ops/index.ts";
import { DTYPES, type DType, fromNumbers, type Tensor } from "../../../src/tensor/index.ts";
import { randomModel } from "../passes/random-model.ts";

const parse = (text: string) => parseGraph(text, inferTypes);
const full = (graph: Graph) => printGraph(graph, { weights: "full" });

/** Names that break naive printers: quotes, escapes, newlines, the syntax of the text form itself, other scripts, half a pair. */
const hostile = [
  '"',
  "\\",
  "\n",
  "%",
  '%"x": float32[2] = Relu(',
  "return",
  "}",
  "_",
  "",
  " ",
  "\u0000",
  "é",
  "卷积",
  "🦊",
  "\ud83e",
  "__proto__",
  "constructor",
  "a.1",
  "0",
  "-inf",
  "base64",
  "\u2028",
];

const anyName = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary", maxLength: 12 }));

describe("text form", () => {
  it("prints and parses any names", () => {
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 6, maxLength: 6 }), ([graph, input, constant, node, key, entry]) => {
        const b = newBuilder(graph!);
        const x = b.input(input!, { dtype: "float32", shape: ["N", 2] });
        const c = b.constant(constant!, fromNumbers("float32", [2], [1, -0.5]));
        b.output(b.node("Add", [x, c], {}, { name: node! }));
        b.setMetadata(Object.fromEntries([[key!, entry!]]));
        const text = full(b.build());
        expect(full(parse(text))).toBe(text);
      }),
      { seed: 7, numRuns: 300, examples: hostile.map((name) => [[name, name, name, name, name, name]]) },
    );
  });

  it("restores the bits of every dtype, below and above the limit for writing numbers out", () => {
    const edges = [
      0,
      1,
      -1,
      127,
      0.1,
      1e-7,
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      -0,
      2 ** 24,
    ];
    for (const dtype of Object.keys(DTYPES) as DType[]) {
      const { float, signed } = DTYPES[dtype];
      const values = float ? edges : dtype === "bool" ? [0, 1, 1] : signed ? [0, 1, -1, 127, -128] : [0, 1, 127, 255];
      for (const repeats of [1, 20]) {
        const list = Array.from({ length: repeats }, () => values).flat();
        const graph = withConstant(fromNumbers(dtype, [list.length], list));
        expect(constantOf(parse(full(graph)))).toEqual(constantOf(graph));
      }
    }
  });

  it("restores 64-bit integers that a double cannot hold", () => {
    const data = BigInt64Array.from({ length: 17 }, (_, i) => 2n ** 62n + BigInt(i));
    const graph = withConstant({ dtype: "int64", shape: [17], data });
    expect(constantOf(parse(full(graph)))?.data).toEqual(data);
  });

  it("restores INT64_MAX, which exporters write for an open end, in a short list too", () => {
    const ends = BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 0n);
    const graph = withConstant({ dtype: "int64", shape: [3], data: ends });
    expect(constantOf(parse(full(graph)))?.data).toEqual(ends);
    const large = BigUint64Array.of(2n ** 64n - 1n);
    const unsigned = withConstant({ dtype: "uint64", shape: [1], data: large });
    expect(constantOf(parse(full(unsigned)))?.data).toEqual(large);
  });

  it.each(Array.from({ length: 30 }, (_, i) => i))("restores network %i: same text, same hash", (seed) => {
    const graph = randomModel(seed);
    const restored = parse(full(graph));
    expect(full(restored)).toBe(full(graph));
    expect(hashGraph(restored)).toBe(hashGraph(graph));
  });

  it("keeps several outputs, absent inputs, attributes of each kind and constant outputs", () => {
    const text = `graph "g" {
  meta "labels" = "a\\nb"
  input %"x": float32[N, 4]
  const %"max" = float32[] {inf}
  %"c": float32[N, 4] = Clip(%"x", _, %"max") @"clip"
  %"p": float32[N, 2], %"q": float32[N, 2] = Split(%"c") {axis=-1, num_outputs=2} @"split"
  %"h": float32[N, 2] = LeakyRelu(%"p") {alpha=1e-7} @"leaky"
  %"t": float32[2, N] = Transpose(%"q") {perm=[1, 0]} @"transpose"
  const %"k" = float16[3] {0.5, nan, -0}
  return %"h", %"t", %"k"
}
`;
    expect(full(parse(text))).toBe(text);
  });

  it.each([
    ["an unknown value", '%"y": float32[2] = Relu(%"z") @"r"', /Unknown value "z"/],
    ["a wrong type", '%"y": float32[3] = Relu(%"x") @"r"', /stated as float32\[3\], derived as float32\[2\]/],
    ["an unknown operator", '%"y": float32[2] = Rleu(%"x") @"r"', /Operator "Rleu" is not supported/],
    ["an unknown dtype", '%"y": float33[2] = Relu(%"x") @"r"', /Unknown dtype "float33"/],
    ["an unknown attribute", '%"y": float32[2] = Relu(%"x") {alpha=1} @"r"', /Relu has no attribute "alpha"/],
    ["elided weights", 'const %"c" = float32[17] ...', /elided/],
    ["too few numbers", 'const %"c" = float32[3] {1, 2}', /needs 3 elements, got 2/],
    ["bytes that do not fit", 'const %"c" = float32[1] base64 "AAAA"', /needs 4 bytes, got 3/],
    ["a symbolic constant", 'const %"c" = float32[N] {1}', /needs a known shape/],
    ["stray text", "§", /Unexpected text "§/],
    ["a missing bracket", '%"y": float32[2] = Relu(%"x" @"r"', /Expected ","/],
  ])("refuses %s", (_, line, message) => {
    const text = `graph "g" {\n  input %"x": float32[2]\n  ${line}\n  return %"x"\n}\n`;
    expect(() => parse(text)).toThrow(EspalierError);
    expect(() => parse(text)).toThrow(message);
  });

  it("refuses every truncation with an EspalierError, and never hangs", () => {
    const text = full(randomModel(3, { blocks: 3 }));
    for (let end = 0; end < text.length - 3; end += Math.max(1, Math.floor(text.length / 400)))
      expect(() => parse(text.slice(0, end))).toThrow(EspalierError);
  });
});

function withConstant(t: Tensor): Graph {
  const b = newBuilder("g");
  b.output(b.constant("c", t));
  return b.build();
}

function constantOf(graph: Graph): Tensor | undefined {
  return graph.values.get(graph.outputs[0]!)?.data;
}
