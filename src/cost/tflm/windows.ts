import type { MicroOperator, MicroTensor } from "./model.ts";
import { numberOption, option } from "./model.ts";

/** Geometry of a convolution or pool in TFLite's layout: input and output [batch, height, width, channels], filter [out, height, width, in]. */
export interface Window {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** Channels that one filter reads. */
  readonly filterDepth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly isDilated: boolean;
  /** Leading padding, as TFLite computes it: half of what is missing, rounded down. */
  readonly padTop: number;
  readonly padLeft: number;
  /** Trailing padding: the other half. */
  readonly padRight: number;
}

const at = (shape: readonly number[], axis: number) => shape[axis] ?? 1;

/** Geometry of CONV_2D and DEPTHWISE_CONV_2D from the operator's options and the shapes. */
export function windowOf(
  operator: MicroOperator,
  input: MicroTensor,
  filter: MicroTensor,
  output: MicroTensor,
): Window {
  const strideHeight = numberOption(operator, "strideH", 1);
  const strideWidth = numberOption(operator, "strideW", 1);
  const dilationHeight = numberOption(operator, "dilationHFactor", 1);
  const dilationWidth = numberOption(operator, "dilationWFactor", 1);
  const kernelHeight = at(filter.shape, 1);
  const kernelWidth = at(filter.shape, 2);
  const isSame = option(operator, "padding") !== "VALID";
  const missing = (size: number, stride: number, kernel: number, dilation: number) => {
    if (!isSame) return 0;
    const out = Math.ceil(size / stride);
    return Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size);
  };
  const missingWidth = missing(at(input.shape, 2), strideWidth, kernelWidth, dilationWidth);
  return {
    batch: at(input.shape, 0),
    inHeight: at(input.shape, 1),
    inWidth: at(input.shape, 2),
    inChannels: at(input.shape, 3),
    outHeight: at(output.shape, 1),
    outWidth: at(output.shape, 2),
    outChannels: at(output.shape, 3),
    kernelHeight,
    kernelWidth,
    filterDepth: at(filter.shape, 3),
    strideHeight,
    strideWidth,
    isDilated: dilationHeight !== 1 || dilationWidth !== 1,
    padTop: Math.floor(missing(at(input.shape, 1), strideHeight, kernelHeight, dilationHeight) / 2),
    padLeft: Math.floor(missingWidth / 2),
    padRight: missingWidth - Math.floor(missingWidth / 2),
  };
}
