import { EspalierError } from "../../diagnostics/index.ts";
import type { MicroBuild } from "./abi.ts";

/** Bytes and alignment. */
type Block = readonly [bytes: number, align: number];

interface OperatorSizes {
  /** Parsed options struct with 1-byte enums (Cortex-M); absent: the operator has none. */
  readonly options?: Block;
  /** The same with 4-byte enums, where it differs. */
  readonly longEnumOptions?: Block;
  /** What the reference kernel's Init allocates, on 32 and on 64 bits; absent: nothing. */
  readonly opData?: readonly [bits32: number, bits64: number];
  /** What the CMSIS-NN kernel's Init allocates, on 32 bits; absent: CMSIS-NN has no kernel of its own and the reference one runs. */
  readonly cmsisOpData?: number;
}

/**
 * Struct sizes of every operator that the planner knows, read with sizeof from tflite-micro 90b983c2b (options: the parsed `TfLite...Params`; opData:
 * the kernel's user data). An operator that is not here is refused rather than guessed.
 */
const OPERATOR_SIZES: Readonly<Record<string, OperatorSizes>> = {
  ABS: { opData: [28, 28] },
  ADD: { options: [2, 1], longEnumOptions: [8, 4], opData: [60, 60] },
  ADD_N: {},
  ARG_MAX: { options: [1, 1], longEnumOptions: [4, 4] },
  ARG_MIN: { options: [1, 1], longEnumOptions: [4, 4] },
  AVERAGE_POOL_2D: { options: [40, 4], opData: [32, 32], cmsisOpData: 36 },
  BATCH_MATMUL: { options: [3, 1], opData: [16, 32], cmsisOpData: 36 },
  BATCH_TO_SPACE_ND: {},
  CAST: { options: [2, 1], longEnumOptions: [8, 4] },
  CONCATENATION: { options: [8, 4], opData: [24, 40] },
  CONV_2D: { options: [28, 4], opData: [56, 72], cmsisOpData: 60 },
  COS: {},
  CUMSUM: { options: [2, 1], opData: [36, 36] },
  DEPTHWISE_CONV_2D: { options: [28, 4], opData: [56, 72], cmsisOpData: 60 },
  DEPTH_TO_SPACE: { options: [4, 4] },
  DEQUANTIZE: { opData: [32, 32] },
  DIV: { options: [1, 1], longEnumOptions: [4, 4], opData: [28, 28] },
  ELU: { opData: [256, 256] },
  EQUAL: { opData: [32, 32] },
  EXP: {},
  EXPAND_DIMS: {},
  FULLY_CONNECTED: { options: [5, 1], longEnumOptions: [16, 4], opData: [48, 64], cmsisOpData: 72 },
  GATHER: { options: [8, 4] },
  GATHER_ND: {},
  GREATER: { opData: [32, 32] },
  GREATER_EQUAL: { opData: [32, 32] },
  HARD_SWISH: { opData: [20, 20] },
  IF: { options: [8, 4], opData: [8, 8] },
  L2_NORMALIZATION: { options: [1, 1], longEnumOptions: [4, 4], opData: [4, 4] },
  L2_POOL_2D: { options: [40, 4] },
  LEAKY_RELU: { options: [4, 4], opData: [24, 24] },
  LESS: { opData: [32, 32] },
  LESS_EQUAL: { opData: [32, 32] },
  LOG: {},
  LOGICAL_NOT: {},
  LOGISTIC: { opData: [16, 16] },
  LOG_SOFTMAX: { opData: [28, 28] },
  MAXIMUM: {},
  MAX_POOL_2D: { options: [40, 4], opData: [32, 32], cmsisOpData: 36 },
  MEAN: { options: [1, 1], opData: [44, 44] },
  MINIMUM: {},
  MIRROR_PAD: { options: [1, 1], longEnumOptions: [4, 4], opData: [20, 20] },
  MUL: { options: [1, 1], longEnumOptions: [4, 4], opData: [36, 36] },
  NEG: {},
  NOT_EQUAL: { opData: [32, 32] },
  PACK: { options: [8, 4] },
  PAD: { opData: [56, 56] },
  PADV2: { opData: [56, 56] },
  PRELU: { opData: [28, 28] },
  QUANTIZE: { opData: [32, 32] },
  REDUCE_ALL: { options: [1, 1], opData: [44, 44] },
  REDUCE_MAX: { options: [1, 1], opData: [44, 44] },
  REDUCE_MIN: { options: [1, 1], opData: [44, 44] },
  RELU: { opData: [28, 28] },
  RELU6: { opData: [8, 8] },
  RESHAPE: { options: [36, 4] },
  RESIZE_BILINEAR: { options: [2, 1] },
  RESIZE_NEAREST_NEIGHBOR: { options: [2, 1] },
  RSQRT: { opData: [28, 28] },
  SELECT_V2: { opData: [1, 1] },
  SHAPE: { options: [1, 1], longEnumOptions: [4, 4] },
  SIN: {},
  SLICE: {},
  SOFTMAX: { options: [4, 4], opData: [56, 80], cmsisOpData: 64 },
  SPACE_TO_BATCH_ND: { opData: [4, 4] },
  SPACE_TO_DEPTH: { options: [4, 4] },
  SPLIT: { options: [4, 4] },
  SPLIT_V: { options: [4, 4] },
  SQRT: {},
  SQUARE: {},
  SQUARED_DIFFERENCE: { opData: [112, 112] },
  SQUEEZE: { options: [36, 4] },
  STRIDED_SLICE: { options: [24, 4], opData: [84, 84] },
  SUB: { options: [2, 1], longEnumOptions: [8, 4], opData: [52, 52] },
  SUM: { options: [1, 1], opData: [44, 44] },
  SVDF: { options: [8, 4], longEnumOptions: [12, 4], opData: [36, 36], cmsisOpData: 40 },
  TANH: { opData: [16, 16] },
  TRANSPOSE: {},
  TRANSPOSE_CONV: { options: [16, 4], longEnumOptions: [20, 4], opData: [72, 80], cmsisOpData: 76 },
  UNIDIRECTIONAL_SEQUENCE_LSTM: { options: [16, 4], opData: [688, 688], cmsisOpData: 912 },
  UNPACK: { options: [8, 4] },
  WHILE: { options: [8, 4], opData: [8, 8] },
};

/** Operators whose persistent memory the planner knows. */
export const PLANNED_OPERATORS: readonly string[] = Object.keys(OPERATOR_SIZES);

/** Sizes of an operator. Throws `unsupported`, naming it, when the table has none. */
function sizesOf(opcode: string): OperatorSizes {
  const sizes = Object.hasOwn(OPERATOR_SIZES, opcode) ? OPERATOR_SIZES[opcode] : undefined;
  if (sizes === undefined) {
    throw new EspalierError("unsupported", `The arena planner does not know operator ${opcode}`, {
      where: opcode,
      hint: "Replace the operator, or measure the arena on the device.",
    });
  }
  return sizes;
}

/** The parsed options struct of an operator under an ABI, or null when it has none. */
export function optionsBlock(
  opcode: string,
  build: MicroBuild,
): { readonly bytes: number; readonly align: number } | null {
  const sizes = sizesOf(opcode);
  const block = build.abi === "arm32" ? sizes.options : (sizes.longEnumOptions ?? sizes.options);
  return block === undefined ? null : { bytes: block[0], align: block[1] };
}

/** Bytes that an operator's Init allocates: its kernel's user data, 0 when it has none. */
export function opDataBytes(opcode: string, build: MicroBuild): number {
  const sizes = sizesOf(opcode);
  if (build.kernels === "cmsis-nn" && sizes.cmsisOpData !== undefined) return sizes.cmsisOpData;
  return sizes.opData?.[build.abi === "host64" ? 1 : 0] ?? 0;
}
