import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import type { Attributes, Dim } from "../../../src/ir/index.ts";
import { inferTypes, interpolationMatrix, macsOf, newBuilder } from "../../../src/ops/index.ts";
import { type DType, float32, fromNumbers, int64s, type Tensor } from "../../../src/tensor/index.ts";

/** An input by its shape, by its dtype and shape, or a constant. */
type Fact = readonly Dim[] | { readonly dtype: DType; readonly shape: readonly Dim[] } | Tensor | null;

function infer(op: string, facts: readonly Fact[], attrs: Attributes = {}) {
  const inputs = facts.map((fact) => {
    if (fact === null) return null;
    if (!("dtype" in fact)) return { type: { dtype: "float32" as const, shape: fact } };
    return "data" in fact ? { type: fact, data: fact } : { type: fact };
  });
  return inferTypes({ op, name: "n", attrs, outputCount: 1 }, inputs);
}

const image = ["N", 4, 6, 6] as const;
const bytes = (...shape: Dim[]) => ({ dtype: "uint8" as const, shape });
const indices = (...shape: Dim[]) => ({ dtype: "int64" as const, shape });
const one = fromNumbers("int64", [], [1]);

const malformed: readonly [string, string, readonly Fact[], Attributes?][] = [
  ["scales and sizes", "Resize", [image, null, float32([4], [1, 1, 2, 2]), int64s([1, 4, 12, 12])]],
  ["neither scales nor sizes", "Resize", [image, null, float32([0], [])]],
  ["too few scales", "Resize", [image, null, float32([2], [2, 2])]],
  ["a scale of 0", "Resize", [image, null, float32([4], [1, 1, 0, 2])]],
  ["a resized batch", "Resize", [image, null, float32([4], [2, 1, 1, 1])]],
  ["computed scales", "Resize", [image, null, [4]]],
  ["an axis named twice", "Resize", [image, null, float32([2], [2, 2])], { axes: [2, -2] }],
  ["a mode that ONNX does not know", "Resize", [image, null, float32([4], [1, 1, 2, 2])], { mode: "area" }],
  [
    "a region without bounds",
    "Resize",
    [image, null, float32([4], [1, 1, 2, 2])],
    { coordinate_transformation_mode: "tf_crop_and_resize" },
  ],
  ["channels that are no square of blocks", "DepthToSpace", [image], { blocksize: 3 }],
  ["a mode that ONNX does not know", "DepthToSpace", [image], { blocksize: 2, mode: "RCD" }],
  ["a blocksize of 0", "SpaceToDepth", [image], { blocksize: 0 }],
  ["a height that is no multiple", "SpaceToDepth", [image], { blocksize: 4 }],
  ["a negative size", "CenterCropPad", [[3, 4], int64s([2, -1])]],
  ["columns of another number", "Col2Im", [[1, 4, 5], int64s([4, 4]), int64s([2, 2])]],
  [
    "weights of another input size",
    "LSTM",
    [
      [5, "N", 3],
      [1, 8, 4],
      [1, 8, 2],
    ],
  ],
  [
    "weights of another number of gates",
    "GRU",
    [
      [5, "N", 3],
      [1, 8, 3],
      [1, 8, 2],
    ],
  ],
  [
    "one direction of weights for two",
    "RNN",
    [
      [5, "N", 3],
      [1, 2, 3],
      [1, 2, 2],
    ],
    { direction: "bidirectional" },
  ],
  [
    "a hidden size that is not the weights'",
    "RNN",
    [
      [5, "N", 3],
      [1, 2, 3],
      [1, 2, 2],
    ],
    { hidden_size: 3 },
  ],
  ["scales of another length", "InstanceNormalization", [image, [3], [4]]],
  ["a scale that does not broadcast", "LayerNormalization", [[2, 3], [2]]],
  ["a negative size", "ConstantOfShape", [int64s([2, -1])]],
  ["two values", "ConstantOfShape", [int64s([2])], { value: float32([2], [1, 2]) }],
  ["a step of 0", "Range", [float32([], [0]), float32([], [1]), float32([], [0])]],
  ["a computed limit", "Range", [float32([], [0]), [], float32([], [1])]],
  ["indices beyond the data", "GatherElements", [[2, 3], indices(4, 4)]],
  ["updates of another shape", "ScatterElements", [[2, 3], indices(2, 2), [2, 3]]],
  ["a reduction that ONNX does not know", "ScatterElements", [[2, 3], indices(2, 2), [2, 2]], { reduction: "mean" }],
  ["more axes than there are", "GatherND", [[2, 3], indices(4, 3)]],
  ["batches that differ", "GatherND", [[2, 3, 4], indices(3, 1)], { batch_dims: 1 }],
  ["updates of another shape", "ScatterND", [[4, 3], indices(2, 1), [2, 4]]],
  ["a computed condition", "Compress", [[4], { dtype: "bool", shape: [4] }]],
  ["two time axes", "ReverseSequence", [[4, 3], indices(3)], { batch_axis: 1, time_axis: 1 }],
  ["too many terms", "Einsum", [[2, 3]], { equation: "ij,jk->ik" }],
  [
    "sizes that differ",
    "Einsum",
    [
      [2, 3],
      [4, 5],
    ],
    { equation: "ij,jk->ik" },
  ],
  ["a label from nowhere", "Einsum", [[2, 3]], { equation: "ij->ik" }],
  ["an axis twice in the result", "Einsum", [[2, 3]], { equation: "ij->ii" }],
  ["a term of another rank", "Einsum", [[2, 3]], { equation: "ijk->i" }],
  ["no equation", "Einsum", [[2, 3]], { equation: "i.j->i" }],
  ["real operands", "MatMulInteger", [[2, 3], bytes(3, 4)]],
  ["inner sizes that differ", "MatMulInteger", [bytes(2, 3), bytes(4, 4)]],
  ["real operands", "ConvInteger", [[1, 2, 3, 3], bytes(4, 2, 1, 1)]],
  ["integers", "DynamicQuantizeLinear", [bytes(3)]],
  [
    "a grid of another batch",
    "GridSample",
    [
      [2, 3, 4, 4],
      [1, 5, 5, 2],
    ],
  ],
  [
    "the mode's old name",
    "GridSample",
    [
      [2, 3, 4, 4],
      [2, 5, 5, 2],
    ],
    { mode: "bilinear" },
  ],
  ["a theta of another rank", "AffineGrid", [[2, 2, 4], int64s([2, 3, 4, 4])]],
  ["indices of another number", "RoiAlign", [image, [5, 4], indices(4)]],
  ["no pooled shape", "MaxRoiPool", [image, [5, 5]], {}],
  ["indices of another shape", "MaxUnpool", [[1, 2, 3, 3], indices(1, 2, 3, 4)], { kernel_shape: [2, 2] }],
  [
    "offsets of another shape",
    "DeformConv",
    [
      [1, 2, 5, 5],
      [3, 2, 2, 2],
      [1, 8, 5, 5],
    ],
  ],
  [
    "groups that do not divide",
    "DeformConv",
    [
      [1, 2, 5, 5],
      [3, 1, 2, 2],
      [1, 8, 4, 4],
    ],
    { group: 2 },
  ],
  ["three components", "DFT", [[1, 8, 3]]],
  ["the axis of the components", "DFT", [[1, 8, 1], null, fromNumbers("int64", [], [2])]],
  ["one side of a complex signal", "DFT", [[1, 8, 2]], { onesided: 1 }],
  ["frames longer than the signal", "STFT", [[1, 8, 1], one, null, fromNumbers("int64", [], [9])]],
  ["neither window nor frames", "STFT", [[1, 8, 1], one]],
];

describe("refusals of structural operators", () => {
  it.each(malformed)("%s: %s", (_, op, facts, attrs) => {
    let error: unknown;
    try {
      infer(op, facts, attrs);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(EspalierError);
    const { code, where, message } = error as EspalierError;
    expect(["input", "unsupported"]).toContain(code);
    expect(where).toBe(`node "n" (${op})`);
    expect(message).not.toMatch(/undefined|NaN|\[object/);
  });

  it("name a required input that is left out", () => {
    expect(() => infer("GatherElements", [[2, 3], null])).toThrow("GatherElements needs input 1");
    expect(() => infer("LSTM", [[5, 1, 3], null, [1, 8, 2]])).toThrow("LSTM needs input 1");
  });

  it("name the reason where an operator can never be deployed", () => {
    expect(() => infer("NonZero", [[4]])).toThrow('"NonZero" is not supported: the size of its result depends on data');
    expect(() => infer("RandomNormal", [])).toThrow("its result is random");
  });
});

describe("the batch", () => {
  it("passes where its axis is not touched", () => {
    const shape = (op: string, facts: readonly Fact[], attrs?: Attributes) => infer(op, facts, attrs)[0]!.shape;
    expect(shape("Resize", [image, null, float32([4], [1, 1, 2, 0.5])])).toEqual(["N", 4, 12, 3]);
    expect(shape("Resize", [image, null, null, int64s([5, 7])], { axes: [2, 3] })).toEqual(["N", 4, 5, 7]);
    expect(
      shape("LSTM", [
        [5, "N", 3],
        [1, 8, 3],
        [1, 8, 2],
      ]),
    ).toEqual([5, 1, "N", 2]);
    expect(
      shape(
        "LSTM",
        [
          ["N", 5, 3],
          [1, 8, 3],
          [1, 8, 2],
        ],
        { layout: 1 },
      ),
    ).toEqual(["N", 5, 1, 2]);
    expect(
      shape(
        "Einsum",
        [
          ["N", 3, 4],
          ["N", 4, 5],
        ],
        { equation: "bij,bjk->bik" },
      ),
    ).toEqual(["N", 3, 5]);
    expect(shape("Shape", [image])).toEqual([4]);
    expect(shape("DFT", [["N", 8, 1]], { onesided: 1 })).toEqual(["N", 5, 2]);
  });
});

describe("multiply-accumulates", () => {
  /** The count of one node over inputs of the given shapes. */
  function macs(op: string, shapes: readonly (readonly number[])[], attrs: Attributes = {}): number {
    const b = newBuilder("macs");
    b.output(
      b.node(
        op,
        shapes.map((shape, i) => b.input(`x${i}`, { dtype: "float32", shape })),
        attrs,
      ),
    );
    const graph = b.build();
    return macsOf(graph, graph.nodes[0]!);
  }

  it("of recurrent operators: every gate of every step reads the input and the state", () => {
    const [sequence, batch, input, hidden] = [5, 2, 3, 4];
    const gates = (count: number, directions: number) =>
      [
        [sequence, batch, input],
        [directions, count * hidden, input],
        [directions, count * hidden, hidden],
      ] as const;
    const step = batch * hidden * (input + hidden);
    expect(macs("LSTM", gates(4, 1))).toBe(sequence * 4 * step);
    expect(macs("GRU", gates(3, 2), { direction: "bidirectional" })).toBe(sequence * 2 * 3 * step);
    expect(macs("RNN", gates(1, 1))).toBe(sequence * step);
  });

  it("of Einsum: those of the matrix product that it spells", () => {
    const shapes = [
      [2, 3, 4],
      [2, 4, 5],
    ];
    expect(macs("Einsum", shapes, { equation: "bij,bjk->bik" })).toBe(macs("MatMul", shapes));
    expect(macs("Einsum", [[2, 3]], { equation: "ij->ji" })).toBe(0);
  });

  it("of DeformConv: those of the convolution without offsets", () => {
    const conv = [
      [1, 2, 5, 5],
      [3, 2, 2, 2],
    ];
    expect(macs("DeformConv", [...conv, [1, 8, 4, 4]])).toBe(macs("Conv", conv));
  });
});

describe("interpolation matrices", () => {
  const how = {
    coordinate_transformation_mode: "half_pixel",
    cubic_coeff_a: -0.75,
    exclude_outside: 0,
    mode: "linear",
    nearest_mode: "floor",
  };
  const axis = { axis: 2, input: 2, output: 4, scale: 2, region: [0, 1] as const };

  it("weigh the neighbours of each position (ONNX Resize-19, upsample by 2)", () => {
    expect(Array.from(interpolationMatrix(how, axis))).toEqual([1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1]);
    const nearest = { ...how, mode: "nearest", coordinate_transformation_mode: "asymmetric" };
    expect(Array.from(interpolationMatrix(nearest, axis))).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
  });

  it.each(["linear", "cubic"])("have rows that add up to 1: %s", (mode) => {
    for (const exclude_outside of [0, 1]) {
      const matrix = interpolationMatrix(
        { ...how, mode, exclude_outside },
        { ...axis, input: 5, output: 7, scale: 1.4 },
      );
      for (let row = 0; row < 7; row++)
        expect(matrix.slice(5 * row, 5 * row + 5).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });
});
