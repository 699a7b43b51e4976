import { type BuiltinOperator, operatorVersion, type TfliteModel } from "./codec/index.ts";

/**
 * First TensorFlow Lite release that has each version (1, 2, 3, ...) of the operators that the writer emits; as the
 * converter's own table states it (tensorflow/compiler/mlir/lite/tools/versioning/runtime_version.cc).
 */
const releases: { readonly [T in BuiltinOperator]?: string } = {
  ABS: "1.13 2.4 2.5 2.6 2.12",
  ADD: "1.5 1.14 2.4 2.6 2.13",
  ARG_MAX: "1.9 1.14 2.9",
  ARG_MIN: "1.9 1.14 2.9",
  ATAN2: "2.10",
  AVERAGE_POOL_2D: "1.5 1.14 2.3",
  BATCH_MATMUL: "2.3 2.3 2.4 2.5",
  BROADCAST_TO: "2.5 2.5 2.5",
  CAST: "1.5 2.7 2.8 2.9 2.12 2.15",
  CEIL: "1.14",
  CONCATENATION: "1.5 1.14 2.3 2.14",
  CONV_2D: "1.5 1.14 1.14 2.3 2.4 2.9 2.11 2.15",
  COS: "1.14",
  CUMSUM: "2.4",
  DEPTHWISE_CONV_2D: "1.5 1.12 1.14 2.2 2.3 2.3 2.11",
  DEPTH_TO_SPACE: "2.1 2.5",
  DEQUANTIZE: "1.13.1 1.14 1.15 2.2 2.7 2.18",
  DIV: "1.6 2.3",
  ELU: "1.14",
  EQUAL: "1.14 1.14 2.3 2.13",
  EXP: "1.7 2.12",
  FLOOR: "1.9",
  FLOOR_MOD: "1.13",
  FULLY_CONNECTED: "1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3 2.11 2.15 2.17 2.18",
  GATHER: "1.6 1.14 1.15 2.4 2.5 2.13 2.15",
  GELU: "2.9 2.9",
  GREATER: "1.14 1.14",
  GREATER_EQUAL: "1.14 1.14 2.13",
  HARD_SWISH: "1.15",
  LEAKY_RELU: "1.13.1 2.3",
  LESS: "1.14 1.14 2.13",
  LESS_EQUAL: "1.14 1.14",
  LOCAL_RESPONSE_NORMALIZATION: "1.5",
  LOG: "1.14 2.15",
  LOGICAL_AND: "1.11",
  LOGICAL_NOT: "1.11",
  LOGICAL_OR: "1.11",
  LOGISTIC: "1.14 1.14 2.3",
  LOG_SOFTMAX: "1.14 1.14",
  MAXIMUM: "1.14 1.14 2.3 2.3",
  MAX_POOL_2D: "1.5 1.14 2.3",
  MEAN: "1.6 1.14 2.4",
  MINIMUM: "1.14 1.14 2.3 2.3",
  MIRROR_PAD: "1.13.1 2.3 2.12",
  MUL: "1.5 1.14 1.15 2.3 2.6 2.11 2.13",
  NEG: "1.9",
  NOT_EQUAL: "1.14 1.14 2.3",
  ONE_HOT: "1.11",
  PAD: "1.5 1.14 2.4 2.6",
  PADV2: "1.9 1.14 2.4 2.6",
  POW: "1.10",
  PRELU: "1.8",
  QUANTIZE: "1.14 1.15 2.7",
  REDUCE_MAX: "1.11 1.14 2.5",
  REDUCE_MIN: "1.11 1.14 2.5",
  REDUCE_PROD: "1.11 2.6",
  RELU: "1.5 2.1 2.5",
  RELU6: "1.5 1.14 2.5",
  RELU_N1_TO_1: "1.5",
  RESHAPE: "1.5",
  RESIZE_BILINEAR: "1.7 1.14 2.2 2.5",
  RESIZE_NEAREST_NEIGHBOR: "1.13.1 1.14 2.3 2.4",
  REVERSE_SEQUENCE: "1.14",
  ROUND: "1.14",
  SELECT_V2: "2.2 2.12",
  SIGN: "2.11 2.12",
  SIN: "1.9",
  SLICE: "1.14 1.14 1.14 2.4 2.5 2.14",
  SOFTMAX: "1.5 1.14 2.3",
  SPACE_TO_DEPTH: "1.5 1.14",
  SPLIT: "1.5 1.14 1.14 2.3",
  SPLIT_V: "1.13.1 2.3",
  SQRT: "1.10",
  STRIDED_SLICE: "1.6 1.14 2.1 2.2 2.5 2.6 2.14 2.14",
  SUB: "1.6 1.14 2.3 2.4 2.4",
  SUM: "1.10 1.15",
  TANH: "1.14 1.14 2.3",
  TILE: "1.10.1 2.2 2.8",
  TOPK_V2: "1.7 1.14",
  TRANSPOSE: "1.6 1.14 1.15 2.3 2.4 2.12",
  TRANSPOSE_CONV: "1.9 2.2 2.3 2.13 2.15",
};

/** The oldest TensorFlow Lite release that runs every operator of the model ("2.3.0"); operators that are not in the table do not count. */
export function minRuntimeVersion(model: TfliteModel): string {
  let latest = [1, 5, 0];
  for (const { operators, tensors } of model.subgraphs) {
    for (const operator of operators) {
      const version = operator.version ?? operatorVersion(operator, tensors);
      const release = releases[operator.opcode]?.split(" ")[version - 1];
      if (release === undefined) continue;
      const parts = [...release.split(".").map(Number), 0].slice(0, 3);
      const first = parts.findIndex((part, i) => part !== latest[i]);
      if (first >= 0 && parts[first]! > latest[first]!) latest = parts;
    }
  }
  return latest.join(".");
}
