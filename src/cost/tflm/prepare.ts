import { EspalierError } from "../../diagnostics/index.ts";
import { CORE_SIZES, MAX_SCRATCH_REQUESTS, type MicroBuild } from "./abi.ts";
import { convInt8Scratch, convInt16Scratch, depthwiseInt8Scratch, transposeConvInt8Scratch } from "./cmsis-scratch.ts";
import {
  elementBytes,
  elementCount,
  isConstant,
  type MicroModel,
  type MicroOperator,
  type MicroSubgraph,
  type MicroTensor,
  option,
  scaleCount,
  tensorBytes,
} from "./model.ts";
import { windowOf } from "./windows.ts";

/** What a kernel's Prepare asks of the arena, in its order: persistent blocks (16-aligned each) and scratch buffers, in bytes. */
export interface PrepareMemory {
  readonly persistent: readonly number[];
  readonly scratch: readonly number[];
}

/** One operator with its operands at hand. */
export interface OperatorContext {
  readonly model: MicroModel;
  readonly subgraph: MicroSubgraph;
  readonly operator: MicroOperator;
  readonly build: MicroBuild;
}

type Rule = (context: OperatorContext) => PrepareMemory;

const NOTHING: PrepareMemory = { persistent: [], scratch: [] };

/** Operand of an operator by position. Throws `input` when it is missing. */
function operand({ subgraph, operator }: OperatorContext, list: "inputs" | "outputs", position: number): MicroTensor {
  const tensor = subgraph.tensors[operator[list][position] ?? -1];
  if (tensor === undefined) {
    throw new EspalierError("input", `${operator.opcode} has no ${list.slice(0, -1)} ${position}`, {
      where: operator.opcode,
    });
  }
  return tensor;
}

const input = (context: OperatorContext, position: number) => operand(context, "inputs", position);
const output = (context: OperatorContext, position = 0) => operand(context, "outputs", position);
const isInt8 = (tensor: MicroTensor) => tensor.dtype === "int8";
const isInt16 = (tensor: MicroTensor) => tensor.dtype === "int16";
const isCmsis = ({ build }: OperatorContext) => build.kernels === "cmsis-nn";
const unlessZero = (bytes: number): number[] => (bytes > 0 ? [bytes] : []);
/** A dims array of TFLite: its length, then the sizes. */
const dimsBytes = (tensor: MicroTensor) => 4 + 4 * tensor.shape.length;

const convolution =
  (isDepthwise: boolean): Rule =>
  (context) => {
    const [data, filter, result] = [input(context, 0), input(context, 1), output(context)];
    const channels = filter.shape[isDepthwise ? 3 : 0] ?? 1;
    const multipliers = [4 * channels, 4 * channels];
    if (!isCmsis(context)) {
      return {
        persistent: multipliers,
        scratch: filter.dtype === "int4" ? unlessZero(elementCount(filter.shape)) : [],
      };
    }
    if (!isInt8(data) && !isInt16(data)) return NOTHING;
    const window = windowOf(context.operator, data, filter, result);
    const { simd } = context.build;
    const bytes = isDepthwise
      ? isInt8(data)
        ? depthwiseInt8Scratch(window, simd)
        : 0
      : isInt8(data)
        ? convInt8Scratch(window, simd)
        : convInt16Scratch(window, simd);
    return { persistent: multipliers, scratch: unlessZero(bytes) };
  };

const fullyConnected: Rule = (context) => {
  const [data, filter, result] = [input(context, 0), input(context, 1), output(context)];
  const channels = filter.shape[0] ?? 1;
  const isPerChannel = scaleCount(filter) > 1 && (isInt8(data) || isInt16(data));
  const persistent = isPerChannel ? [4 * channels, 4 * channels] : [];
  if (!isCmsis(context)) {
    return { persistent, scratch: filter.dtype === "int4" ? unlessZero(elementCount(filter.shape)) : [] };
  }
  if (!isInt8(data)) return { persistent, scratch: [] };
  const depth = filter.shape.at(-1) ?? 1;
  if (result.shape.length > 2 && depth % 4 === 0) {
    // The 1 x 1 convolution path, which wants multipliers per channel even when there is one scale.
    return { persistent, scratch: isPerChannel ? [] : [8 * channels] };
  }
  if (context.build.simd !== "mve" || filter.dtype === "int4") return { persistent, scratch: [] };
  const bias = context.subgraph.tensors[context.operator.inputs[2] ?? -1];
  const isFixed = isConstant(context.model, filter) && (bias === undefined || isConstant(context.model, bias));
  return isFixed ? { persistent: [...persistent, 4 * channels], scratch: [] } : { persistent, scratch: [4 * channels] };
};

const averagePool: Rule = (context) => {
  const data = input(context, 0);
  const usesScratch = isCmsis(context) && context.build.simd === "dsp" && (isInt8(data) || isInt16(data));
  return { persistent: [], scratch: usesScratch ? unlessZero(4 * (data.shape[3] ?? 1)) : [] };
};

const softmax: Rule = (context) => (isInt16(input(context, 0)) ? { persistent: [1026, 1026], scratch: [] } : NOTHING);

const svdf: Rule = (context) => {
  const [data, weights] = [input(context, 0), input(context, 1)];
  const rankOption = option(context.operator, "rank");
  const rank = typeof rankOption === "number" && rankOption > 0 ? rankOption : 1;
  const batch = data.shape[0] ?? 1;
  const filters = weights.shape[0] ?? 1;
  const sums = isCmsis(context) && context.build.simd === "mve" && isInt8(data) ? [4 * filters] : [];
  const scratch = [4 * batch * filters];
  if (isInt8(data)) scratch.push(4 * batch * Math.floor(filters / rank));
  return { persistent: sums, scratch };
};

const LSTM_CELL_STATE = 19;

const lstm: Rule = (context) => {
  const [data, cell] = [input(context, 0), input(context, LSTM_CELL_STATE)];
  const bytes = elementCount(cell.shape) * elementBytes(cell);
  const isCmsisCell = isCmsis(context) && isInt16(cell);
  const state = cell.shape.at(-1) ?? 1;
  const sums = isCmsisCell ? new Array<number>(8).fill((isInt8(data) ? 4 : 8) * state) : [];
  return { persistent: sums, scratch: new Array<number>(isCmsisCell ? 3 : 4).fill(bytes) };
};

const transposeConv: Rule = (context) => {
  const [filter, data, result] = [input(context, 1), input(context, 2), output(context)];
  const channels = filter.shape[0] ?? 1;
  const persistent = [4 * channels, 4 * channels];
  if (isInt8(data) && isCmsis(context)) {
    const window = windowOf(context.operator, data, filter, result);
    return { persistent, scratch: transposeConvInt8Scratch(window, context.build.simd) };
  }
  if (isInt8(data)) return { persistent, scratch: [4 * elementCount(result.shape)] };
  if (!isInt16(data)) return { persistent, scratch: [] };
  const bias = context.subgraph.tensors[context.operator.inputs[3] ?? -1];
  const widened = bias !== undefined && isInt16(bias) ? [8 * elementCount(bias.shape)] : [];
  return { persistent, scratch: [8 * elementCount(result.shape), ...widened] };
};

const reduction =
  (accumulates: boolean): Rule =>
  (context) => {
    const [data, axes] = [input(context, 0), input(context, 1)];
    const sums = accumulates && (isInt8(data) || isInt16(data)) ? [4 * elementCount(output(context).shape)] : [];
    return { persistent: [], scratch: [...sums, 4 * data.shape.length, 4 * elementCount(axes.shape)] };
  };

const batchMatmul: Rule = (context) => {
  const [left, right, result] = [input(context, 0), input(context, 1), output(context)];
  const evalTensor = CORE_SIZES[context.build.abi].evalTensor;
  const copy = (tensor: MicroTensor) => [evalTensor, dimsBytes(tensor), tensorBytes(tensor)];
  const blocks = [
    ...(option(context.operator, "adjX") === true ? copy(left) : []),
    ...(option(context.operator, "adjY") === true ? [] : copy(right)),
    dimsBytes(result),
  ];
  const isQuantised = isInt8(left) || isInt16(left);
  const scratch =
    isCmsis(context) && context.build.simd === "mve" && isInt8(left) ? [4 * (result.shape.at(-1) ?? 1)] : [];
  if (!isQuantised) return { persistent: blocks, scratch };
  return { persistent: isCmsis(context) ? [...blocks, 28] : [28, ...blocks], scratch };
};

const copiesOutputDims: Rule = (context) => ({ persistent: [dimsBytes(output(context))], scratch: [] });

/** The dims are copied only when the output's own static shape holds -1; a -1 in the shape operand was resolved by the converter. */
const reshape: Rule = (context) => (output(context).shape.includes(-1) ? copiesOutputDims(context) : NOTHING);

const mirrorPad: Rule = (context) => {
  const bytes = 4 * input(context, 0).shape.length;
  return { persistent: [], scratch: [bytes, bytes] };
};

const addN: Rule = (context) => ({
  persistent: isInt8(input(context, 0)) ? [40] : [],
  scratch: [CORE_SIZES[context.build.abi].pointer * context.operator.inputs.length],
});

/** Operators whose Prepare allocates; all others allocate nothing beyond their user data. Source: kernels of tflite-micro 90b983c2b. */
const PREPARE_RULES: Readonly<Record<string, Rule>> = {
  CONV_2D: convolution(false),
  DEPTHWISE_CONV_2D: convolution(true),
  FULLY_CONNECTED: fullyConnected,
  AVERAGE_POOL_2D: averagePool,
  SOFTMAX: softmax,
  SVDF: svdf,
  UNIDIRECTIONAL_SEQUENCE_LSTM: lstm,
  TRANSPOSE_CONV: transposeConv,
  MEAN: reduction(true),
  SUM: reduction(true),
  REDUCE_MAX: reduction(false),
  REDUCE_MIN: reduction(false),
  REDUCE_ALL: reduction(false),
  BATCH_MATMUL: batchMatmul,
  GATHER: copiesOutputDims,
  GATHER_ND: copiesOutputDims,
  DEPTH_TO_SPACE: copiesOutputDims,
  SPACE_TO_DEPTH: copiesOutputDims,
  L2_POOL_2D: copiesOutputDims,
  RESHAPE: reshape,
  MIRROR_PAD: mirrorPad,
  ADD_N: addN,
};

/** What an operator's Prepare allocates under a build. */
export function prepareMemory(context: OperatorContext): PrepareMemory {
  const memory = PREPARE_RULES[context.operator.opcode]?.(context) ?? NOTHING;
  if (memory.scratch.length > MAX_SCRATCH_REQUESTS) {
    throw new EspalierError(
      "unsupported",
      `${context.operator.opcode} asks for ${memory.scratch.length} scratch buffers, TFLM allows ${MAX_SCRATCH_REQUESTS}`,
    );
  }
  return memory;
}
