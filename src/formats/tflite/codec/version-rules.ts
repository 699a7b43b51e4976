import type { BuiltinOperator } from "./generated/enums.ts";
import {
  both,
  broadcastAbove4,
  grouped,
  input,
  int16Bias,
  kernel,
  not,
  type Operands,
  option,
  optionSet,
  output,
  perChannel,
  quantized,
  rankAbove,
  rescalesUp,
} from "./version-conditions.ts";

/** The first rule whose condition holds gives the version; with none, it is 1. */
export type VersionRule = readonly [version: number, when: (operands: Operands) => boolean];

const int8Is2: readonly VersionRule[] = [[2, input(0, "int8")]];
const int16Is3: readonly VersionRule[] = [
  [3, input(0, "int16")],
  [2, input(0, "int8")],
];
const resize = (condition: (operands: Operands) => boolean): readonly VersionRule[] => [
  [4, input(0, "int16")],
  [3, condition],
  [2, input(0, "int8")],
];
const minMax: readonly VersionRule[] = [
  [4, both(input(0, "int16"), output(0, "int16"))],
  [3, broadcastAbove4],
  [2, input(0, "int8")],
];
const batchSpace: readonly VersionRule[] = [
  [4, input(0, "int16")],
  [3, ({ inputs }) => inputs[0]?.shape.length !== 4],
  [2, input(0, "int8")],
];
const pad: readonly VersionRule[] = [[4, rankAbove(4)], ...int16Is3];

/**
 * Versions that TensorFlow's converter writes (tensorflow/lite/tools/versioning/op_version.cc at 0208740, Apache-2.0), for
 * the operators whose version depends on the operands. Recurrent, string and hashtable operators are not written by
 * Espalier and have no entry.
 */
export const VERSION_RULES: Partial<Readonly<Record<BuiltinOperator, readonly VersionRule[]>>> = {
  ABS: [
    [5, input(0, "int32")],
    [3, both(input(0, "int16"), quantized)],
    [4, input(0, "int16")],
    [2, input(0, "int8", "uint8")],
  ],
  ADD: [
    [5, both(input(0, "int16"), not(quantized))],
    [4, input(0, "int64")],
    [3, both(input(0, "int16"), output(0, "int16"), option("potScaleInt16", false))],
    [2, input(0, "int8")],
  ],
  ARG_MAX: [[3, input(0, "bool")], ...int8Is2],
  ARG_MIN: [[3, input(0, "bool")], ...int8Is2],
  AVERAGE_POOL_2D: int16Is3,
  BATCH_MATMUL: [
    [3, input(0, "int16")],
    [2, input(0, "int8")],
    [4, both(kernel("float32", "int8"), optionSet("asymmetricQuantizeInputs"))],
  ],
  BATCH_TO_SPACE_ND: batchSpace,
  BROADCAST_TO: [
    [3, input(0, "int8", "int16")],
    [2, () => true],
  ],
  CAST: [
    [7, (o) => input(0, "bfloat16")(o) || output(0, "bfloat16")(o)],
    [6, both(input(0, "int4"), output(0, "float32"))],
    [5, (o) => input(0, "float64", "float16")(o) || output(0, "float64", "float16")(o)],
    [4, (o) => input(0, "uint16")(o) || output(0, "uint16")(o)],
    [3, (o) => input(0, "int8")(o) || output(0, "int8")(o)],
    [2, (o) => input(0, "uint32")(o) || output(0, "uint32")(o)],
  ],
  CONCATENATION: [[4, input(0, "uint32")], ...int16Is3],
  CONV_2D: [
    [8, int16Bias],
    [6, grouped],
    [3, kernel("int8", "int8")],
    [7, kernel("int8", "int4")],
    [5, both(kernel("float32", "int8"), perChannel(1))],
    [2, kernel("float32", "int8")],
  ],
  DEPTHWISE_CONV_2D: [
    [6, both(kernel("float32", "int8"), perChannel(1))],
    [4, kernel("float32", "int8")],
    [3, kernel("int8", "int8")],
    [7, kernel("int8", "int4")],
    [2, (o) => o.option("dilationWFactor") !== 1 || o.option("dilationHFactor") !== 1],
  ],
  DEPTH_TO_SPACE: int8Is2,
  DEQUANTIZE: [
    [6, input(0, "int4")],
    [3, input(0, "int16", "float16")],
    [5, both(input(0, "int8"), perChannel(0))],
    [2, input(0, "int8")],
  ],
  DIV: [[2, broadcastAbove4]],
  EQUAL: [
    [4, input(0, "int16")],
    [2, input(0, "int8")],
  ],
  EXP: [[2, input(0, "int8", "int16")]],
  FAKE_QUANT: [[2, optionSet("narrowRange")]],
  FILL: [
    [4, input(1, "float16")],
    [3, input(1, "int8", "int16")],
    [2, input(1, "bool")],
  ],
  FLOOR_DIV: [
    [3, input(0, "int8", "int16")],
    [2, input(0, "float32")],
  ],
  FLOOR_MOD: [[2, input(0, "int8", "int16")]],
  FULLY_CONNECTED: [
    [12, both(kernel("float32", "int8"), perChannel(1))],
    [11, int16Bias],
    [8, ({ inputs }) => inputs[1]?.sparsity !== undefined],
    [6, ({ inputs }) => inputs.length === 2],
    [5, optionSet("keepNumDims")],
    [4, kernel("int8", "int8")],
    [10, kernel("int8", "int4")],
    [9, both(kernel("float32", "int8"), optionSet("asymmetricQuantizeInputs"))],
    [3, kernel("float32", "int8")],
    [2, option("weightsFormat", "SHUFFLED4x16INT8")],
  ],
  GATHER: [
    [7, input(0, "int4")],
    [6, input(1, "int16")],
    [5, optionSet("batchDims")],
    [4, input(0, "int16")],
    [3, input(0, "bool")],
    [2, input(0, "int8")],
  ],
  GATHER_ND: [
    [5, input(0, "bool")],
    [4, input(1, "int16")],
    [3, input(0, "int16")],
  ],
  GELU: [[2, input(0, "int8", "uint8")]],
  GREATER: int8Is2,
  GREATER_EQUAL: int16Is3,
  L2_NORMALIZATION: [[2, output(0, "int8")]],
  LEAKY_RELU: [[2, input(0, "int16")]],
  LESS: int16Is3,
  LESS_EQUAL: int8Is2,
  LOG: [[2, input(0, "int8", "int16")]],
  LOGISTIC: int16Is3,
  LOG_SOFTMAX: int8Is2,
  MAXIMUM: minMax,
  MAX_POOL_2D: int16Is3,
  MEAN: int16Is3,
  MINIMUM: minMax,
  MIRROR_PAD: int16Is3,
  MUL: [
    [7, (o) => both(input(0, "int16"), not(quantized))(o) || input(0, "uint32")(o)],
    [6, input(0, "complex64")],
    [5, input(0, "int64")],
    [4, input(0, "int16")],
    [3, rescalesUp],
    [2, input(0, "int8")],
  ],
  NOT_EQUAL: int8Is2,
  PACK: [
    [2, input(0, "int8")],
    [3, input(0, "int16")],
    [4, input(0, "uint32")],
  ],
  PAD: pad,
  PADV2: pad,
  QUANTIZE: [
    [4, (o) => input(0, "int4")(o) || output(0, "int4")(o)],
    [3, ({ outputs }) => (outputs[0]?.quantization?.scales.length ?? 0) > 1],
    [2, output(0, "int16")],
  ],
  REDUCE_MAX: int16Is3,
  REDUCE_MIN: int16Is3,
  REDUCE_PROD: [[2, input(0, "int8", "int16")]],
  RELU: [
    [3, input(0, "int16")],
    [2, input(0, "int8", "uint8")],
  ],
  RELU6: int16Is3,
  RESIZE_BILINEAR: resize(optionSet("halfPixelCenters")),
  RESIZE_NEAREST_NEIGHBOR: resize((o) => Boolean(o.option("halfPixelCenters") || o.option("alignCorners"))),
  REVERSE_V2: [
    [3, input(0, "int8")],
    [2, input(0, "bool")],
  ],
  RSQRT: int16Is3,
  SELECT_V2: [[2, input(0, "uint32")]],
  SIGN: [[2, input(0, "int32")]],
  SLICE: [
    [6, input(0, "uint32")],
    [5, rankAbove(4)],
    [4, input(0, "int16")],
    [2, input(0, "int8")],
  ],
  SOFTMAX: int16Is3,
  SPACE_TO_BATCH_ND: batchSpace,
  SPACE_TO_DEPTH: int8Is2,
  SPLIT: [
    [4, input(1, "int16")],
    [3, input(1, "int32")],
    [2, input(1, "int8")],
  ],
  SPLIT_V: int8Is2,
  SQUARED_DIFFERENCE: int8Is2,
  STRIDED_SLICE: [
    [8, optionSet("offset")],
    [7, input(0, "uint32")],
    [6, (o) => Boolean(o.option("ellipsisMask") || o.option("newAxisMask"))],
    [4, rankAbove(4)],
    [3, input(0, "bool")],
    [2, input(0, "int8")],
  ],
  SUB: [
    [5, both(input(0, "int16"), output(0, "int16"), option("potScaleInt16", false))],
    [4, input(0, "int64")],
    [3, broadcastAbove4],
    [2, input(0, "int8")],
  ],
  SUM: int8Is2,
  TANH: int16Is3,
  TILE: [[3, input(0, "int8")]],
  TOPK_V2: int16Is3,
  TRANSPOSE: [
    [6, rankAbove(5)],
    [5, input(0, "int16")],
    [4, rankAbove(4)],
    [3, input(0, "bool")],
    [2, input(0, "int8")],
  ],
  TRANSPOSE_CONV: [
    [
      5,
      both(
        input(0, "int32"),
        ({ inputs }) => inputs[2]?.dtype === "int16",
        not(option("quantizedBiasType", "FLOAT32")),
      ),
    ],
    [4, not(option("fusedActivationFunction", "NONE"))],
    [3, ({ inputs }) => inputs[3] !== undefined],
    [2, input(1, "int8")],
  ],
  UNPACK: [
    [2, input(0, "int8", "uint8")],
    [3, input(0, "bool")],
    [4, input(0, "int16")],
  ],
};
