import { type Node, staticDim, type ValueId } from "../ir/index.ts";
import { completeAttributes, convWindow, OPS } from "../ops/index.ts";
import type { GraphView, PatchBuilder } from "../rewrite/index.ts";
import { fromNumbers, type Tensor, toNumbers } from "../tensor/index.ts";

/** y = scale[c] * x + shift[c] for channel c (axis 1). */
export interface ChannelAffine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The tensor with each element multiplied by `factor(position along a, position along b)`, computed in double precision. */
function scaled(t: Tensor, strideOf: (flat: number) => number, factors: Float64Array): Tensor {
  const values = toNumbers(t);
  for (let i = 0; i < values.length; i++) values[i]! *= factors[strideOf(i)]!;
  return fromNumbers(t.dtype, t.shape, values);
}

/** Which output channel each element of a weight belongs to. */
function outputChannelOf(node: Node, weight: Tensor): (flat: number) => number {
  const [first, second] = [weight.shape[0]!, weight.shape[1]!];
  const inner = weight.data.length / first;
  if (node.op === "Conv") return (i) => Math.floor(i / inner);
  if (node.op === "ConvTranspose") {
    // [in, out / group, k...]: the input channel says which group, the second axis which of its outputs.
    const { group } = completeAttributes("ConvTranspose", OPS.ConvTranspose.attrs, node.attrs);
    const kernel = inner / second;
    return (i) => Math.floor(Math.floor(i / inner) / (first / group)) * second + (Math.floor(i / kernel) % second);
  }
  const rowsAreOutputs = node.op === "Gemm" && node.attrs.transB === 1;
  return rowsAreOutputs ? (i) => Math.floor(i / second) : (i) => i % second;
}

/** The bias of a linear node as one number an output channel, or null when it has another form. */
function biasOf(view: GraphView, node: Node, channels: number): Float64Array | null {
  const id = node.inputs[2];
  if (id === null || id === undefined) return new Float64Array(channels);
  const bias = view.constant(id);
  if (bias === null) return null;
  const beta = node.op === "Gemm" ? completeAttributes("Gemm", OPS.Gemm.attrs, node.attrs).beta : 1;
  const values = toNumbers(bias).map((value) => value * beta);
  if (values.length === 1) return new Float64Array(channels).fill(values[0]!);
  return bias.shape[bias.shape.length - 1] === channels && values.length === channels ? values : null;
}

/** Whether a node is a convolution or a rank-2 product with constant weights. */
export function isLinear(view: GraphView, node: Node | null): node is Node {
  if (node === null || view.constant(node.inputs[1]) === null) return false;
  if (node.op === "Conv" || node.op === "ConvTranspose" || node.op === "Gemm") return true;
  return (
    node.op === "MatMul" &&
    view.type(node.inputs[0]!).shape.length === 2 &&
    view.type(node.inputs[1]!).shape.length === 2
  );
}

function isFinite64(values: Float64Array): boolean {
  return values.every((value) => Number.isFinite(value));
}

function attributesAfter(node: Node) {
  // The constant part of Gemm is folded into its bias, so beta is 1 from now on.
  const { beta: _, ...rest } = node.attrs;
  return node.op === "Gemm" ? rest : node.op === "MatMul" ? {} : node.attrs;
}

function rebuilt(
  view: GraphView,
  patch: PatchBuilder,
  node: Node,
  input: ValueId,
  weight: Tensor,
  bias: Float64Array,
): ValueId {
  const weightId = patch.constant(view.value(node.inputs[1]!).name, weight);
  const given = node.inputs[2] ?? null;
  const op = node.op === "MatMul" ? "Gemm" : node.op;
  const options = { name: node.name };
  if (given === null && bias.every((value) => value === 0))
    return patch.node(node.op, [input, weightId], node.op === "MatMul" ? {} : attributesAfter(node), options);
  const biasName = given === null ? `${node.name}.bias` : view.value(given).name;
  const biasId = patch.constant(biasName, fromNumbers(weight.dtype, [bias.length], bias));
  return patch.node(op, [input, weightId, biasId], attributesAfter(node), options);
}

/** Adds to the patch the linear node followed by the affine map, as one node: W' = a W, b' = a b + shift. Null when it cannot be one. */
export function absorbAfter(view: GraphView, patch: PatchBuilder, node: Node, affine: ChannelAffine): ValueId | null {
  const weight = view.constant(node.inputs[1]);
  const bias = biasOf(view, node, affine.scale.length);
  if (weight === null || bias === null || !isFinite64(affine.scale) || !isFinite64(affine.shift)) return null;
  const after = bias.map((value, c) => value * affine.scale[c]! + affine.shift[c]!);
  const channelOf = outputChannelOf(node, weight);
  return rebuilt(view, patch, node, node.inputs[0]!, scaled(weight, channelOf, affine.scale), after);
}

/** Adds to the patch the affine map of `input` followed by the linear node, as one node: W' = W a, b' = b + W shift. Null when it cannot be one. */
export function absorbBefore(
  view: GraphView,
  patch: PatchBuilder,
  node: Node,
  affine: ChannelAffine,
  input: ValueId,
): ValueId | null {
  const weight = view.constant(node.inputs[1]);
  if (weight === null || !isFinite64(affine.scale) || !isFinite64(affine.shift)) return null;
  if (node.op === "ConvTranspose") return null;
  // A padded convolution reads zeros, which the shift must not move.
  if (node.op === "Conv" && affine.shift.some((value) => value !== 0) && isPadded(view, node)) return null;
  const attrs = node.op === "Gemm" ? completeAttributes("Gemm", OPS.Gemm.attrs, node.attrs) : null;
  if (attrs !== null && attrs.transA === 1) return null;
  const outputOf = outputChannelOf(node, weight);
  const channels = staticDim(view.type(node.outputs[0]!).shape[1], `Channel count of ${node.op}`);
  const bias = biasOf(view, node, channels);
  if (bias === null) return null;
  const inputOf = inputChannelOf(node, weight, outputOf, channels);
  const values = toNumbers(weight);
  for (let i = 0; i < values.length; i++)
    bias[outputOf(i)]! += values[i]! * (attrs?.alpha ?? 1) * affine.shift[inputOf(i)]!;
  return rebuilt(view, patch, node, input, scaled(weight, inputOf, affine.scale), bias);
}

/** Which input channel each element of a weight reads. */
function inputChannelOf(node: Node, weight: Tensor, outputOf: (flat: number) => number, channels: number) {
  const second = weight.shape[1]!;
  if (node.op === "Conv") {
    const { group } = completeAttributes("Conv", OPS.Conv.attrs, node.attrs);
    const kernel = weight.data.length / (weight.shape[0]! * second);
    return (i: number) => Math.floor(outputOf(i) / (channels / group)) * second + (Math.floor(i / kernel) % second);
  }
  return node.op === "Gemm" && node.attrs.transB === 1
    ? (i: number) => i % second
    : (i: number) => Math.floor(i / second);
}

function isPadded(view: GraphView, node: Node): boolean {
  const attrs = completeAttributes("Conv", OPS.Conv.attrs, node.attrs);
  const { pads } = convWindow(attrs, view.type(node.inputs[1]!).shape, view.type(node.inputs[0]!).shape);
  return pads.some((pad) => pad !== 0);
}
