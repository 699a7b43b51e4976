import { EspalierError } from "../../../diagnostics/index.ts";
import { shapeText, type ValueId } from "../../../ir/index.ts";
import { activate } from "../emit/activation.ts";
import {
  dimsOf,
  dtypeOf,
  intsOf,
  op,
  promoted,
  rankOf,
  reduce,
  type Scope,
  shapeOf,
  transpose,
} from "../emit/scope.ts";
import {
  around,
  biased,
  conv,
  convTranspose,
  depthwise,
  type Padding,
  pool,
  type WindowOptions,
} from "../emit/window.ts";
import type { NodeContext, OpReader, OpReaders } from "./context.ts";

function unsupported(message: string): never {
  throw new EspalierError("unsupported", message, {
    hint: "Convert the model again with a current tensorflowjs_converter.",
  });
}

/** Channels last, as data_format says. */
function isLast(c: NodeContext): boolean {
  return !/^NC/.test(c.attrs.text("data_format", "NHWC"));
}

/** The spatial part of a list with an entry an axis. */
function spatialOf(c: NodeContext, name: string, rank: number): number[] {
  const given = c.attrs.ints(name);
  const list = given.length === 0 ? new Array<number>(rank).fill(1) : given;
  if (list.length !== rank)
    throw new EspalierError("input", `Attribute "${name}" needs ${rank} entries, got ${shapeText(list)}`);
  const [batch, channel] = isLast(c) ? [0, rank - 1] : [0, 1];
  if (list[batch] !== 1 || list[channel] !== 1)
    unsupported(`"${name}" over batch or channels is not supported: ${shapeText(list)}`);
  return list.filter((_, i) => i !== batch && i !== channel);
}

function paddingOf(c: NodeContext, rank: number): Padding {
  const rule = c.attrs.text("padding", "VALID").toUpperCase();
  if (rule === "SAME" || rule === "VALID") return rule;
  if (rule !== "EXPLICIT") throw new EspalierError("input", `Padding must be SAME, VALID or EXPLICIT, got "${rule}"`);
  const pads = c.attrs.ints("explicit_paddings");
  if (pads.length !== 2 * rank)
    throw new EspalierError("input", `explicit_paddings needs ${2 * rank} entries, got ${shapeText(pads)}`);
  const pairs = Array.from({ length: rank }, (_, i) => [pads[2 * i]!, pads[2 * i + 1]!] as const);
  return isLast(c) ? pairs.slice(1, -1) : pairs.slice(2);
}

function windowOf(c: NodeContext, x: ValueId): WindowOptions {
  const rank = rankOf(c, x);
  return {
    strides: spatialOf(c, "strides", rank),
    dilations: spatialOf(c, "dilations", rank),
    padding: paddingOf(c, rank),
    last: isLast(c),
  };
}

/** What a fused operator adds after its contraction: operands 2 and on, by the list fused_ops. */
interface Fused {
  readonly bias: ValueId | null;
  finish(y: ValueId): ValueId;
}

function fusedOf(c: NodeContext): Fused {
  const names = c.attrs.texts("fused_ops");
  const extra = c.inputs.slice(2);
  const takesBias = names[0] === "BiasAdd";
  if (takesBias && extra.length === 0) throw new EspalierError("input", "A fused BiasAdd needs its bias as input 2");
  if (names.includes("FusedBatchNorm")) unsupported("A fused batch normalisation is not supported");
  const bias = takesBias ? extra[0]! : null;
  const rest = takesBias ? names.slice(1) : names;
  if (rest.length > 1) unsupported(`The fused operators ${names.join(", ")} are not supported`);
  const alpha = c.attrs.float("leakyrelu_alpha", 0.2);
  return {
    bias,
    finish: (y) => {
      const name = rest[0];
      if (name === undefined) return y;
      if (name === "LeakyRelu") return op(c, "LeakyRelu", [y], { alpha });
      if (name !== "Prelu") return activate(c, y, name);
      const slope = extra[takesBias ? 1 : 0];
      if (slope === undefined) throw new EspalierError("input", "A fused Prelu needs its slope as an input");
      return op(c, "PRelu", [y, slope]);
    },
  };
}

const plainConv: OpReader = (c) => conv(c, c.input(0), c.input(1), null, windowOf(c, c.input(0)));

function conv1d(c: NodeContext): ValueId {
  const last = !/^NC/.test(c.attrs.text("data_format", "NWC"));
  const padding = c.attrs.text("padding", "VALID").toUpperCase() === "SAME" ? "SAME" : "VALID";
  const window = {
    strides: [c.attrs.int("stride", 1)],
    dilations: [c.attrs.int("dilation", 1)],
    padding,
    last,
  } as const;
  return conv(c, c.input(0), c.input(1), null, window);
}

function fusedConv(make: typeof conv): OpReader {
  return (c) => {
    const { bias, finish } = fusedOf(c);
    return finish(make(c, c.input(0), c.input(1), bias, windowOf(c, c.input(0))));
  };
}

/** Inputs: output shape, filter, x. The batch in the output shape is x's, whatever it says. */
function backpropInput(c: NodeContext): ValueId {
  const x = c.input(2);
  const shape = dimsOf(c, c.input(0), "The output shape of a transposed convolution");
  const spatial = isLast(c) ? shape.slice(1, -1) : shape.slice(2);
  if (shape.length !== rankOf(c, x) || spatial.some((dim) => typeof dim !== "number"))
    throw new EspalierError("unsupported", `The output shape ${shapeText(shape)} must be known but for the batch`);
  return convTranspose(c, x, c.input(1), null, spatial as number[], windowOf(c, x));
}

function pooling(type: "MaxPool" | "AveragePool"): OpReader {
  return (c) => {
    const x = c.input(0);
    return pool(c, type, x, spatialOf(c, "ksize", rankOf(c, x)), windowOf(c, x));
  };
}

/** Swaps the last two axes. */
function swapped(s: Scope, id: ValueId): ValueId {
  const rank = rankOf(s, id);
  if (rank < 2)
    throw new EspalierError("input", `A matrix product needs rank 2 at least, got ${shapeText(shapeOf(s, id))}`);
  return transpose(s, id, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
}

function product(c: NodeContext, transA: boolean, transB: boolean, bias: ValueId | null): ValueId {
  const [a, b] = promoted(c, [c.input(0), c.input(1)]) as [ValueId, ValueId];
  if (bias !== null && rankOf(c, a) === 2 && rankOf(c, b) === 2 && dtypeOf(c, a) === "float32")
    return op(c, "Gemm", [a, b, bias], { transA: transA ? 1 : 0, transB: transB ? 1 : 0 });
  const y = op(c, "MatMul", [transA ? swapped(c, a) : a, transB ? swapped(c, b) : b]);
  return bias === null ? y : op(c, "Add", [y, bias]);
}

const matMul: OpReader = (c) =>
  product(c, c.attrs.bool("transpose_a", false), c.attrs.bool("transpose_b", false), null);
const batchMatMul: OpReader = (c) => product(c, c.attrs.bool("adj_x", false), c.attrs.bool("adj_y", false), null);

function fusedMatMul(c: NodeContext): ValueId {
  const { bias, finish } = fusedOf(c);
  return finish(product(c, c.attrs.bool("transpose_a", false), c.attrs.bool("transpose_b", false), bias));
}

function einsum(c: NodeContext): ValueId {
  return op(c, "Einsum", promoted(c, c.inputs), { equation: c.attrs.text("equation", "").replaceAll(" ", "") });
}

/** Inputs x, scale, offset, mean, variance; inference only. */
function batchNorm(c: NodeContext): readonly ValueId[] {
  if (c.attrs.bool("is_training", false))
    throw new EspalierError("unsupported", "A batch normalisation in training mode cannot be deployed", {
      hint: "Export the model in inference mode.",
    });
  const rest = [c.input(1), c.input(2), c.input(3), c.input(4)];
  const epsilon = c.attrs.float("epsilon", 0.001);
  const y = around(c, c.input(0), isLast(c), (x) => op(c, "BatchNormalization", [x, ...rest], { epsilon }));
  return [y, ...rest.slice(2), ...rest.slice(2)];
}

/** TensorFlow's depth_radius counts one side and its alpha is per element; ONNX's size counts the window, its alpha the whole (LRN-13). */
function localResponse(c: NodeContext): ValueId {
  const size = 2 * c.attrs.int("depth_radius", 5) + 1;
  const attrs = {
    size,
    alpha: c.attrs.float("alpha", 1) * size,
    beta: c.attrs.float("beta", 0.5),
    bias: c.attrs.float("bias", 1),
  };
  return around(c, c.input(0), true, (x) => op(c, "LRN", [x], attrs));
}

/** Convolutions, pools, matrix products and normalisations. */
export const CONTRACTION: OpReaders = {
  AvgPool: pooling("AveragePool"),
  AvgPool3D: pooling("AveragePool"),
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BiasAdd: (c) => biased(c, c.input(0), c.input(1), isLast(c)),
  Conv1D: conv1d,
  Conv2D: plainConv,
  Conv2DBackpropInput: backpropInput,
  Conv3D: plainConv,
  DepthwiseConv2d: (c) => depthwise(c, c.input(0), c.input(1), null, windowOf(c, c.input(0))),
  DepthwiseConv2dNative: (c) => depthwise(c, c.input(0), c.input(1), null, windowOf(c, c.input(0))),
  Einsum: einsum,
  EuclideanNorm: (c) =>
    reduce(c, "ReduceL2", c.input(0), intsOf(c, c.input(1), "The axes"), c.attrs.bool("keep_dims", false)),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  FusedDepthwiseConv2dNative: fusedConv(depthwise),
  LRN: localResponse,
  LogSoftmax: (c) => op(c, "LogSoftmax", [c.input(0)], { axis: -1 }),
  MatMul: matMul,
  MaxPool: pooling("MaxPool"),
  MaxPool3D: pooling("MaxPool"),
  Softmax: (c) => op(c, "Softmax", [c.input(0)], { axis: -1 }),
  _FusedConv2D: fusedConv(conv),
  _FusedMatMul: fusedMatMul,
};
