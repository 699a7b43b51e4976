import { expect, it } from "vitest";
import { type TfliteOptions, type TfliteOptionsType, tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { above, differences, type OperatorSpec } from "./models.ts";

const one = (op: OperatorSpec["op"], input: string, options?: OperatorSpec["options"], label = ""): OperatorSpec => ({
  op,
  inputs: [input],
  outputs: [`${op}${label}`],
  ...(options && { options }),
});
const two = (op: OperatorSpec["op"], a: string, b: string, options?: TfliteOptionsType): OperatorSpec => ({
  op,
  inputs: [a, b],
  outputs: [`${op} ${a} ${b}`],
  ...(options && { options: tfliteOptions(options) as TfliteOptions }),
});

const floats = { x: { shape: [2, 3, 4] }, y: { shape: [3, 1] }, positive: { shape: [2, 3, 4] } };

it("reads arithmetic on floats, broadcast and with fused activations", async () => {
  const found = await differences({
    tensors: floats,
    inputs: Object.keys(floats),
    operators: [
      two("ADD", "x", "y", "AddOptions"),
      two("SUB", "y", "x", "SubOptions"),
      two("MUL", "x", "y", "MulOptions"),
      two("DIV", "x", "positive", "DivOptions"),
      two("MAXIMUM", "x", "y"),
      two("MINIMUM", "x", "y"),
      two("POW", "positive", "x"),
      two("SQUARED_DIFFERENCE", "x", "y"),
      two("FLOOR_DIV", "x", "positive"),
      two("FLOOR_MOD", "x", "positive"),
      two("ATAN2", "x", "positive"),
      { op: "ADD_N", inputs: ["x", "positive", "x"], outputs: ["sum"] },
      ...(["RELU", "RELU6", "RELU_N1_TO_1"] as const).map(
        (activation): OperatorSpec => ({
          op: "ADD",
          inputs: ["x", "positive"],
          outputs: [`fused ${activation}`],
          options: tfliteOptions("AddOptions", { fusedActivationFunction: activation }),
        }),
      ),
    ],
  });
  expect(Object.keys(found).length).toBe(15);
  expect(above(found, 1e-6)).toEqual({});
});

it("reads unary operators and activations", async () => {
  const plain = ["ABS", "NEG", "SIGN", "EXP", "SIN", "COS", "FLOOR", "CEIL", "ROUND", "SQUARE"] as const;
  const activations = [
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RELU_0_TO_1",
    "ELU",
    "HARD_SWISH",
    "LOGISTIC",
    "TANH",
  ] as const;
  const found = await differences({
    tensors: { ...floats, alpha: { shape: [4], data: [0.1, 0.2, -0.3, 0.4] } },
    inputs: Object.keys(floats).slice(0, 1).concat("positive"),
    operators: [
      ...[...plain, ...activations].map((op) => one(op, "x")),
      ...(["LOG", "SQRT", "RSQRT"] as const).map((op) => one(op, "positive")),
      one("GELU", "x", tfliteOptions("GeluOptions", { approximate: true }), " tanh"),
      one("GELU", "x", tfliteOptions("GeluOptions", { approximate: false })),
      one("LEAKY_RELU", "x", tfliteOptions("LeakyReluOptions", { alpha: 0.3 })),
      one("SOFTMAX", "x", tfliteOptions("SoftmaxOptions", { beta: 1 })),
      one("LOG_SOFTMAX", "x"),
      { op: "PRELU", inputs: ["x", "alpha"], outputs: ["prelu"] },
    ],
  });
  expect(Object.keys(found).length).toBe(27);
  expect(above(found, 2e-5)).toEqual({});
});

it("scales the logits of a softmax by beta", async () => {
  const found = await differences({
    tensors: { x: { shape: [2, 5] } },
    inputs: ["x"],
    operators: [one("SOFTMAX", "x", tfliteOptions("SoftmaxOptions", { beta: 0.5 }))],
  });
  expect(above(found, 1e-5)).toEqual({});
});

it("reads comparisons, logic and choices", async () => {
  const bool = (name: string) => [name, { shape: [2, 3], dtype: "bool" as const }] as const;
  const comparisons = ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"] as const;
  const logic = ["LOGICAL_AND", "LOGICAL_OR"] as const;
  const outputs = [
    ...comparisons.map((op) => bool(`${op} i j`)),
    ...logic.map((op) => bool(`${op} p q`)),
    bool("LOGICAL_NOT"),
  ];
  const found = await differences({
    tensors: {
      i: { shape: [2, 3], dtype: "int32" },
      j: { shape: [2, 3], dtype: "int32" },
      ...Object.fromEntries([bool("p"), bool("q")]),
      rows: { shape: [2], dtype: "bool" },
      x: { shape: [2, 3] },
      y: { shape: [2, 3] },
      ...Object.fromEntries(outputs.map(([name, { dtype }]) => [name, { dtype }])),
      whole: { dtype: "int32" },
      real: {},
    },
    inputs: ["i", "j", "p", "q", "rows", "x", "y"],
    operators: [
      ...comparisons.map((op) => two(op, "i", "j")),
      ...logic.map((op) => two(op, "p", "q")),
      one("LOGICAL_NOT", "p"),
      { op: "SELECT", inputs: ["rows", "x", "y"], outputs: ["by row"] },
      { op: "SELECT_V2", inputs: ["p", "x", "y"], outputs: ["by element"] },
      {
        op: "CAST",
        inputs: ["x"],
        outputs: ["whole"],
        options: tfliteOptions("CastOptions", { inDataType: "FLOAT32", outDataType: "INT32" }),
      },
      {
        op: "CAST",
        inputs: ["i"],
        outputs: ["real"],
        options: tfliteOptions("CastOptions", { inDataType: "INT32", outDataType: "FLOAT32" }),
      },
    ],
  });
  expect(Object.keys(found).length).toBe(13);
  expect(above(found, 0)).toEqual({});
});

it("divides integers towards minus infinity", async () => {
  const ints = { dtype: "int32" as const };
  const found = await differences({
    tensors: {
      i: { shape: [6], ...ints },
      seven: { shape: [6], ...ints, data: [7, -7, 7, -7, 6, -6] },
      three: { shape: [6], ...ints, data: [3, 3, -3, -3, 3, -3] },
      a: ints,
      "FLOOR_DIV a three": ints,
      "FLOOR_MOD a three": ints,
    },
    inputs: ["i"],
    operators: [
      { op: "ADD", inputs: ["i", "seven"], outputs: ["a"], options: tfliteOptions("AddOptions") },
      two("FLOOR_DIV", "a", "three"),
      two("FLOOR_MOD", "a", "three"),
    ],
  });
  expect(above(found, 0)).toEqual({});
});

it("reads reductions, positions and running sums", async () => {
  const reduce = (op: OperatorSpec["op"], keepDims: boolean): OperatorSpec => ({
    op,
    inputs: ["x", "axes"],
    outputs: [`${op} ${keepDims}`],
    options: tfliteOptions("ReducerOptions", { keepDims }),
  });
  const found = await differences({
    tensors: {
      x: { shape: [2, 3, 4] },
      b: { shape: [2, 3], dtype: "bool" },
      axes: { shape: [2], dtype: "int32", data: [-1, 0] },
      last: { shape: [1], dtype: "int32", data: [1] },
      axis: { shape: [], dtype: "int32", data: [1] },
      k: { shape: [], dtype: "int32", data: [2] },
      any: { dtype: "bool" },
      all: { dtype: "bool" },
      most: { dtype: "int32" },
      least: { dtype: "int32" },
      places: { dtype: "int32" },
    },
    inputs: ["x", "b"],
    operators: [
      ...(["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"] as const).flatMap((op) => [
        reduce(op, true),
        reduce(op, false),
      ]),
      { op: "REDUCE_ANY", inputs: ["b", "last"], outputs: ["any"], options: tfliteOptions("ReducerOptions") },
      { op: "REDUCE_ALL", inputs: ["b", "last"], outputs: ["all"], options: tfliteOptions("ReducerOptions") },
      {
        op: "ARG_MAX",
        inputs: ["x", "axis"],
        outputs: ["most"],
        options: tfliteOptions("ArgMaxOptions", { outputType: "INT32" }),
      },
      {
        op: "ARG_MIN",
        inputs: ["x", "axis"],
        outputs: ["least"],
        options: tfliteOptions("ArgMinOptions", { outputType: "INT32" }),
      },
      { op: "TOPK_V2", inputs: ["x", "k"], outputs: ["top", "places"] },
      {
        op: "CUMSUM",
        inputs: ["x", "axis"],
        outputs: ["cumsum"],
        options: tfliteOptions("CumsumOptions", { exclusive: true, reverse: true }),
      },
    ],
  });
  expect(Object.keys(found).length).toBe(17);
  expect(above(found, 1e-6)).toEqual({});
});
