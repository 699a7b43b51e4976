import { EspalierError } from "../../diagnostics/index.ts";
import { checkIdentifier, guard, pascal } from "./identifier.ts";

/** MicroMutableOpResolver's method for each operator that the TFLite writer emits and TFLM has (tflite-micro, micro_mutable_op_resolver.h). */
const methods: Readonly<Record<string, string>> = {
  ABS: "AddAbs",
  ADD: "AddAdd",
  ARG_MAX: "AddArgMax",
  ARG_MIN: "AddArgMin",
  AVERAGE_POOL_2D: "AddAveragePool2D",
  BATCH_MATMUL: "AddBatchMatMul",
  BROADCAST_TO: "AddBroadcastTo",
  CAST: "AddCast",
  CEIL: "AddCeil",
  CONCATENATION: "AddConcatenation",
  CONV_2D: "AddConv2D",
  DEPTHWISE_CONV_2D: "AddDepthwiseConv2D",
  DEPTH_TO_SPACE: "AddDepthToSpace",
  DEQUANTIZE: "AddDequantize",
  DIV: "AddDiv",
  ELU: "AddElu",
  EQUAL: "AddEqual",
  EXP: "AddExp",
  FLOOR: "AddFloor",
  FULLY_CONNECTED: "AddFullyConnected",
  GATHER: "AddGather",
  GREATER: "AddGreater",
  GREATER_EQUAL: "AddGreaterEqual",
  HARD_SWISH: "AddHardSwish",
  LEAKY_RELU: "AddLeakyRelu",
  LESS: "AddLess",
  LESS_EQUAL: "AddLessEqual",
  LOG: "AddLog",
  LOGICAL_AND: "AddLogicalAnd",
  LOGICAL_NOT: "AddLogicalNot",
  LOGICAL_OR: "AddLogicalOr",
  LOGISTIC: "AddLogistic",
  LOG_SOFTMAX: "AddLogSoftmax",
  MAXIMUM: "AddMaximum",
  MAX_POOL_2D: "AddMaxPool2D",
  MEAN: "AddMean",
  MINIMUM: "AddMinimum",
  MIRROR_PAD: "AddMirrorPad",
  MUL: "AddMul",
  NEG: "AddNeg",
  PAD: "AddPad",
  PADV2: "AddPadV2",
  PRELU: "AddPrelu",
  QUANTIZE: "AddQuantize",
  REDUCE_MAX: "AddReduceMax",
  REDUCE_MIN: "AddReduceMin",
  RELU: "AddRelu",
  RELU6: "AddRelu6",
  RESHAPE: "AddReshape",
  RESIZE_BILINEAR: "AddResizeBilinear",
  RESIZE_NEAREST_NEIGHBOR: "AddResizeNearestNeighbor",
  ROUND: "AddRound",
  SELECT_V2: "AddSelectV2",
  SLICE: "AddSlice",
  SOFTMAX: "AddSoftmax",
  SPACE_TO_DEPTH: "AddSpaceToDepth",
  SPLIT: "AddSplit",
  SPLIT_V: "AddSplitV",
  SQRT: "AddSqrt",
  STRIDED_SLICE: "AddStridedSlice",
  SUB: "AddSub",
  SUM: "AddSum",
  TANH: "AddTanh",
  TRANSPOSE: "AddTranspose",
  TRANSPOSE_CONV: "AddTransposeConv",
};

/** Operators of a list that TFLM has no kernel for, in the order of the list, each once. */
export function missingInTflm(opcodes: readonly string[]): string[] {
  return [...new Set(opcodes)].filter((opcode) => !Object.hasOwn(methods, opcode));
}

/**
 * A header with `Register<Name>Ops(resolver)`, which registers exactly the operators of the model: a smaller binary than with
 * all of them. Throws EspalierError "unsupported" when TFLM has no kernel for one.
 */
export function opResolverHeader(opcodes: readonly string[], name: string): string {
  const id = checkIdentifier(name);
  const missing = missingInTflm(opcodes);
  if (missing.length > 0) {
    throw new EspalierError("unsupported", `TFLM has no kernel for ${missing.join(", ")}`, {
      hint: "Replace the operator in the model, or deploy to a target that runs LiteRT.",
    });
  }
  const unique = [...new Set(opcodes)].sort();
  const include = guard(id, "op_resolver");
  const resolver = `tflite::MicroMutableOpResolver<${Math.max(1, unique.length)}>`;
  const calls = unique.map((opcode) => `  if (resolver.${methods[opcode]!}() != kTfLiteOk) return kTfLiteError;`);
  return `#ifndef ${include}
#define ${include}

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using ${pascal(id)}OpResolver = ${resolver};

// Registers the ${unique.length} operators of the model.
inline TfLiteStatus Register${pascal(id)}Ops(${pascal(id)}OpResolver& resolver) {
${calls.join("\n")}
  return kTfLiteOk;
}

#endif  // ${include}
`;
}
