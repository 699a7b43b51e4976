/**
 * Code sizes (text + data, bytes) of tflite-micro 90b983c2b with CMSIS-NN 4ab83cc3, arm-none-eabi-g++ 12.2, Cortex-M4F, the Makefile's release flags, unused sections
 * removed. Facts of that toolchain: another compiler or version moves them.
 */

/** Registrations that can be linked: reference kernels, CMSIS-NN for all types, CMSIS-NN with int8-only registrations where they exist. */
export const FLASH_KERNELS = ["reference", "cmsis-nn", "cmsis-nn-int8"] as const;

export type FlashKernels = (typeof FLASH_KERNELS)[number];

/** Interpreter without operators, over an empty main. */
export const FRAMEWORK_BYTES = 10676;

/** Every operator linked, over the framework: no set of operators can be larger. */
export const ALL_OPERATORS_BYTES: Readonly<Record<FlashKernels, number>> = {
  reference: 305529,
  "cmsis-nn": 364033,
  "cmsis-nn-int8": 364033,
};

/**
 * One operator linked alone, over the framework: [reference, cmsis-nn, cmsis-nn-int8]; a missing entry equals the one before. Each holds the parts of the C library that the
 * first operator drags in, so the sum over operators is too high.
 */
export const OPERATOR_BYTES: Readonly<Record<string, readonly [number, number?, number?]>> = {
  ABS: [5180],
  ADD: [13896, 15804, 9820],
  ADD_N: [6588],
  ARG_MAX: [2080],
  ARG_MIN: [2080],
  ASSIGN_VARIABLE: [960],
  AVERAGE_POOL_2D: [5768, 6408, 5832],
  BATCH_MATMUL: [11936, 15472],
  BATCH_TO_SPACE_ND: [1952],
  BROADCAST_ARGS: [2364],
  BROADCAST_TO: [2836],
  CALL_ONCE: [320],
  CAST: [2528],
  CEIL: [1024],
  CONCATENATION: [4000],
  CONV_2D: [12140, 32528, 15248],
  COS: [4912],
  CUMSUM: [6940],
  DEPTHWISE_CONV_2D: [11068, 22400, 13792],
  DEPTH_TO_SPACE: [3196],
  DEQUANTIZE: [3104],
  DIV: [11644],
  DYNAMIC_UPDATE_SLICE: [3104],
  ELU: [2908],
  EMBEDDING_LOOKUP: [2872],
  EQUAL: [12188],
  EXP: [1884],
  EXPAND_DIMS: [1344],
  FILL: [1504],
  FLOOR: [800],
  FLOOR_DIV: [6204],
  FLOOR_MOD: [4008],
  FULLY_CONNECTED: [9612, 21164, 17420],
  GATHER: [2560],
  GATHER_ND: [2112],
  GREATER: [13820],
  GREATER_EQUAL: [11100],
  HARD_SWISH: [5828],
  IF: [1312],
  L2_NORMALIZATION: [2596],
  L2_POOL_2D: [3812],
  LEAKY_RELU: [5732],
  LESS: [11100],
  LESS_EQUAL: [11100],
  LOG: [1416],
  LOGICAL_AND: [2876],
  LOGICAL_NOT: [768],
  LOGICAL_OR: [2876],
  LOGISTIC: [8200],
  LOG_SOFTMAX: [10364],
  MAXIMUM: [8540],
  MAX_POOL_2D: [5896, 6600],
  MEAN: [9372],
  MINIMUM: [8540],
  MIRROR_PAD: [1152],
  MUL: [12104, 13896, 10088],
  NEG: [960],
  NOT_EQUAL: [12124],
  PACK: [1664],
  PAD: [5820, 5660],
  PADV2: [5820, 5660],
  PRELU: [8444],
  QUANTIZE: [6620],
  READ_VARIABLE: [736],
  REDUCE_ALL: [5148],
  REDUCE_MAX: [5820],
  REDUCE_MIN: [5820],
  RELU: [5668],
  RELU6: [2696],
  RESHAPE: [1440],
  RESIZE_BILINEAR: [4156],
  RESIZE_NEAREST_NEIGHBOR: [4348],
  REVERSE_V2: [5248],
  ROUND: [1088],
  RSQRT: [6016],
  SELECT_V2: [8156],
  SHAPE: [704],
  SIN: [4912],
  SLICE: [4124],
  SOFTMAX: [11256, 12216, 10872],
  SPACE_TO_BATCH_ND: [2112],
  SPACE_TO_DEPTH: [3196],
  SPLIT: [1920],
  SPLIT_V: [2016],
  SQRT: [900],
  SQUARE: [768],
  SQUARED_DIFFERENCE: [10524],
  SQUEEZE: [2332],
  STRIDED_SLICE: [13116],
  SUB: [13960],
  SUM: [8348],
  SVDF: [9904, 15856, 13204],
  TANH: [8552],
  TRANSPOSE: [2400, 2752],
  TRANSPOSE_CONV: [11420, 17916],
  UNIDIRECTIONAL_SEQUENCE_LSTM: [16180, 20244],
  UNPACK: [1472],
  VAR_HANDLE: [480],
  WHILE: [1536],
  ZEROS_LIKE: [928],
};

/** Sets that were linked together, over the framework: [reference, cmsis-nn, cmsis-nn-int8]. */
export const MEASURED_SETS: readonly {
  readonly operators: readonly string[];
  readonly bytes: readonly [number, number, number];
}[] = [
  {
    operators: ["CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"],
    bytes: [30576, 73432, 42648],
  },
  {
    operators: ["CONV_2D", "ADD", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"],
    bytes: [35148, 68452, 40420],
  },
  { operators: ["FULLY_CONNECTED", "QUANTIZE", "SOFTMAX", "SVDF"], bytes: [22656, 37280, 30688] },
];
