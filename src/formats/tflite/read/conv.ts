import type { ValueId } from "../../../ir/index.ts";
import type { Padding } from "../codec/index.ts";
import { activated } from "./fused.ts";
import { channelsFirst } from "./layout.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { biasOf, weightOf } from "./weights.ts";

/** ONNX pads [begins..., ends...] of TFLite's padding: SAME gives ceil(size / stride) outputs, the odd pad at the end (TensorFlow's rule). */
export function padsOf(
  padding: Padding,
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const begins: number[] = [];
  const ends: number[] = [];
  for (const [i, size] of sizes.entries()) {
    const extent = (kernel[i]! - 1) * dilations[i]! + 1;
    const total =
      padding === "SAME" ? Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size) : 0;
    begins.push(Math.floor(total / 2));
    ends.push(total - Math.floor(total / 2));
  }
  return [...begins, ...ends];
}

/** Spatial sizes of input i. */
export function spatial(s: Step, i: number): number[] {
  return s
    .shape(i)
    .slice(1, -1)
    .map((_, k) => s.dim(i, k + 1));
}

interface Window {
  readonly padding: Padding;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

export function checkWindow(s: Step, lists: readonly (readonly number[])[]): void {
  const bad = lists.flat().find((value) => !(Number.isInteger(value) && value >= 1));
  if (bad !== undefined) s.fail(`${s.operator.opcode} has a stride, dilation or kernel of ${bad}`);
}

function convolution(s: Step, window: Window, weight: ValueId, group: number): ValueId {
  const kernel = s.shapeOf(weight).slice(2) as number[];
  const { padding, strides, dilations } = window;
  checkWindow(s, [strides, dilations, kernel]);
  const pads = padsOf(padding, spatial(s, 0), kernel, strides, dilations);
  const bias = biasOf(s, 2, 0, 1);
  const x = s.real(0, "first");
  return s.node("Conv", bias === null ? [x, weight] : [x, weight, bias], {
    kernel_shape: kernel,
    strides,
    dilations,
    pads,
    group,
  });
}

function conv2d(s: Step): void {
  const o = s.options("Conv2DOptions");
  if (s.rank(0) !== 4) s.refuse(`CONV_2D of a tensor of rank ${s.rank(0)} is not supported`);
  const group = s.dim(0, 3) / s.dim(1, 3);
  if (!Number.isInteger(group)) s.fail(`CONV_2D has ${s.dim(0, 3)} input channels and filters of ${s.dim(1, 3)}`);
  const window = {
    padding: o.padding,
    strides: [o.strideH, o.strideW],
    dilations: [o.dilationHFactor, o.dilationWFactor],
  };
  const y = convolution(s, window, weightOf(s, 1, channelsFirst(4)), group);
  s.put(0, activated(s, y, o.fusedActivationFunction), "first");
}

function depthwise(s: Step): void {
  const o = s.options("DepthwiseConv2DOptions");
  if (s.rank(0) !== 4) s.refuse(`DEPTHWISE_CONV_2D of a tensor of rank ${s.rank(0)} is not supported`);
  const window = {
    padding: o.padding,
    strides: [o.strideH, o.strideW],
    dilations: [o.dilationHFactor, o.dilationWFactor],
  };
  // [1, kh, kw, channels * multiplier] to [channels * multiplier, 1, kh, kw]: both order outputs by input channel first.
  const y = convolution(s, window, weightOf(s, 1, [3, 0, 1, 2]), s.dim(0, 3));
  s.put(0, activated(s, y, o.fusedActivationFunction), "first");
}

/** Filters lie as [depth, height, width, in, out]. */
function conv3d(s: Step): void {
  const o = s.options("Conv3DOptions");
  const window = {
    padding: o.padding,
    strides: [o.strideD, o.strideH, o.strideW],
    dilations: [o.dilationDFactor, o.dilationHFactor, o.dilationWFactor],
  };
  const group = s.dim(0, 4) / s.dim(1, 3);
  if (!Number.isInteger(group)) s.fail(`CONV_3D has ${s.dim(0, 4)} input channels and filters of ${s.dim(1, 3)}`);
  const y = convolution(s, window, weightOf(s, 1, [4, 3, 0, 1, 2]), group);
  s.put(0, activated(s, y, o.fusedActivationFunction), "first");
}

export const CONVOLUTIONS: OperatorReaders = {
  CONV_2D: { read: conv2d, gives: ["Conv"] },
  DEPTHWISE_CONV_2D: { read: depthwise, gives: ["Conv"] },
  CONV_3D: { read: conv3d, gives: ["Conv"] },
};
