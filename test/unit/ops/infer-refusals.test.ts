import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import type { Attributes, Dim } from "../../../src/ir/index.ts";
import { inferTypes } from "../../../src/ops/index.ts";
import { int64s } from "../../../src/tensor/index.ts";

type Fact = readonly Dim[] | { readonly ints: readonly number[] };

function infer(op: string, facts: readonly Fact[], attrs: Attributes, outputCount = 1) {
  const inputs = facts.map((fact) =>
    "ints" in fact
      ? { type: { dtype: "int64" as const, shape: [fact.ints.length] }, data: int64s(fact.ints) }
      : { type: { dtype: "float32" as const, shape: fact } },
  );
  return inferTypes({ op, name: "n", attrs, outputCount }, inputs);
}

/** Each is refused by ONNX Runtime too; ConvTranspose with group 0 ends its process. */
const malformed: readonly [string, string, readonly Fact[], Attributes, number?][] = [
  [
    "no group",
    "ConvTranspose",
    [
      [1, 4, 3],
      [4, 2, 2],
    ],
    { group: 0 },
  ],
  [
    "groups that do not divide the channels",
    "ConvTranspose",
    [
      [1, 4, 3],
      [4, 2, 2],
    ],
    { group: 3 },
  ],
  [
    "a negative output padding",
    "ConvTranspose",
    [
      [1, 4, 3],
      [4, 2, 2],
    ],
    { output_padding: [-1] },
  ],
  [
    "output padding of a whole stride",
    "ConvTranspose",
    [
      [1, 4, 3],
      [4, 2, 2],
    ],
    { output_padding: [1] },
  ],
  ["a bias of another length", "ConvTranspose", [[1, 4, 3], [4, 2, 2], [3]], {}],
  [
    "no group",
    "Conv",
    [
      [1, 4, 3],
      [4, 4, 1],
    ],
    { group: 0 },
  ],
  [
    "a window larger than its input",
    "Conv",
    [
      [1, 4, 3],
      [4, 4, 5],
    ],
    {},
  ],
  [
    "a stride of 0",
    "Conv",
    [
      [1, 4, 3],
      [4, 4, 1],
    ],
    { strides: [0] },
  ],
  [
    "too few pads",
    "Conv",
    [
      [1, 4, 3, 3],
      [4, 4, 1, 1],
    ],
    { pads: [1, 1] },
  ],
  ["a kernel of another rank", "MaxPool", [[1, 2, 6, 4]], { kernel_shape: [2] }],
  ["a kernel of size 0", "AveragePool", [[1, 2, 6, 4]], { kernel_shape: [0, 1] }],
  ["no kernel", "AveragePool", [[1, 2, 6, 4]], { kernel_shape: [] }],
  ["a dimension below -1", "Reshape", [[2, 2], { ints: [-1, -2] }], {}],
  ["two free dimensions", "Reshape", [[2, 2], { ints: [-1, -1] }], {}],
  ["a copy of an axis that is not there", "Reshape", [[4], { ints: [4, 0] }], {}],
  ["the batch merged with other axes", "Reshape", [["N", 4], { ints: [-1] }], {}],
  ["a negative size", "Expand", [[1], { ints: [-1] }], {}],
  ["a negative count", "Tile", [[2], { ints: [-1] }], {}],
  ["a repeated batch", "Tile", [["N"], { ints: [2] }], {}],
  ["an axis named twice", "Unsqueeze", [[2], { ints: [0, 0] }], {}],
  ["an axis that is not 1", "Squeeze", [[2], { ints: [0] }], {}],
  ["an axis out of range", "Softmax", [[2]], { axis: 1 }],
  ["parts that do not add up", "Split", [[5], { ints: [2, 2] }], {}, 2],
  ["more parts than outputs", "Split", [[6]], { num_outputs: 3 }, 2],
  ["an empty part", "Split", [[4]], { num_outputs: 3 }, 3],
  [
    "a slope that does not broadcast to x",
    "PRelu",
    [
      [1, 3],
      [4, 3],
    ],
    {},
  ],
  [
    "inner sizes that differ",
    "MatMul",
    [
      [2, 3],
      [4, 2],
    ],
    {},
  ],
  ["a bias that does not broadcast", "Gemm", [[2, 3], [3, 4], [3]], {}],
  ["a step of 0", "Slice", [[4], { ints: [0] }, { ints: [2] }, { ints: [0] }, { ints: [0] }], {}],
  ["more cropped than there is", "Pad", [[4], { ints: [-3, -3] }], {}],
  ["a repeated axis order", "Transpose", [[2, 3]], { perm: [0, 0] }],
  ["elements that are no floats", "Sin", [{ ints: [1, 2] }], {}],
  ["elements that are no truth values", "Xor", [[2], [2]], {}],
  ["a condition that is no truth value", "Where", [[2], [2], [2]], {}],
  ["elements that are no unsigned integers", "BitShift", [{ ints: [1] }, { ints: [1] }], { direction: "LEFT" }],
  ["a direction that is neither", "BitShift", [{ ints: [1] }, { ints: [1] }], { direction: "UP" }],
  ["operands of two types", "Mod", [{ ints: [4] }, [1]], { fmod: 1 }],
  ["floats without fmod", "Mod", [[4], [4]], {}],
  ["an approximation that is not known", "Gelu", [[4]], { approximate: "fast" }],
  ["more elements than there are", "TopK", [[4], { ints: [5] }], {}, 2],
  ["two counts", "TopK", [[4], { ints: [1, 2] }], {}, 2],
  ["a count that is computed", "TopK", [[4], [1]], {}, 2],
  ["one output", "TopK", [[4], { ints: [1] }], {}],
  ["no depth", "OneHot", [[4], { ints: [0] }, { ints: [0, 1] }], {}],
  ["a single value", "OneHot", [[4], { ints: [3] }, { ints: [1] }], {}],
  ["an axis out of range", "CumSum", [[4], { ints: [1] }], {}],
  ["a vector", "Trilu", [[4]], {}],
  ["a vector", "EyeLike", [[4]], {}],
  ["an element type that is not known", "EyeLike", [[4, 4]], { dtype: 14 }],
  ["matrices that are not square", "Det", [[2, 3]], {}],
  ["p of 3", "LpNormalization", [[4]], { p: 3 }],
  ["no channels", "LRN", [[1, 2, 3]], { size: 0 }],
  ["an axis out of range", "MeanVarianceNormalization", [[1, 2, 3]], {}],
  ["training mode", "BatchNormalization", [[1, 2], [2], [2], [2], [2]], { training_mode: 1 }],
];

describe("refusals", () => {
  it.each(malformed)("%s: %s", (_, op, facts, attrs, outputs) => {
    let error: unknown;
    try {
      infer(op, facts, attrs, outputs);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(EspalierError);
    const { code, where, message } = error as EspalierError;
    expect(["input", "unsupported"]).toContain(code);
    expect(where).toBe(`node "n" (${op})`);
    expect(message).not.toMatch(/undefined|NaN|\[object/);
  });
});
