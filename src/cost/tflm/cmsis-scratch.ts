import type { MicroBuild } from "./abi.ts";
import type { Window } from "./windows.ts";

/**
 * Scratch sizes of CMSIS-NN 4ab83cc3's kernels in bytes, as its `*_get_buffer_size` functions give them. GCC and clang builds; Arm's own compiler
 * has two different thresholds.
 */

type Simd = MicroBuild["simd"];

const up = (value: number, quantum: number) => Math.ceil(value / quantum) * quantum;

/** int8 convolution whose im2col column has n elements. */
function columnScratch(n: number, simd: Simd): number {
  return 4 * up(n, simd === "mve" ? 16 : 4);
}

/** CONV_2D with int8 activations (int8 or int4 weights). */
export function convInt8Scratch(w: Window, simd: Simd): number {
  const unpadded = w.padTop === 0 && w.padLeft === 0;
  const wholeDepth = w.filterDepth === w.inChannels;
  const n = w.filterDepth * w.kernelHeight * w.kernelWidth;
  if (w.kernelHeight === 1 && w.kernelWidth === 1 && unpadded && !w.isDilated && wholeDepth) return 0;
  const isRow =
    w.inHeight === 1 && w.kernelHeight === 1 && !w.isDilated && wholeDepth && (w.strideWidth * w.inChannels) % 4 === 0;
  return isRow && simd === "mve" ? rowScratchMve(w, n) : columnScratch(n, simd);
}

/** 1 x N convolution on MVE: a padded strip at either end instead of a column, when the columns add up to the output width. */
function rowScratchMve(w: Window, n: number): number {
  const lead = (pad: number) => Math.min(Math.ceil(pad / w.strideWidth), w.outWidth);
  const left = lead(w.padLeft);
  const inner = Math.max(
    0,
    Math.floor((w.inWidth - w.kernelWidth - (left * w.strideWidth - w.padLeft)) / w.strideWidth) + 1,
  );
  const right = lead(w.padRight);
  if (left + inner + right !== w.outWidth) return columnScratch(n, "mve");
  const strip = (pad: number) => pad * w.inChannels;
  return Math.max(
    w.kernelWidth * w.inChannels + strip(w.padLeft),
    (w.kernelWidth - 1) * w.inChannels + strip(w.padRight),
  );
}

/** CONV_2D with int16 activations. */
export function convInt16Scratch(w: Window, simd: Simd): number {
  const n = w.filterDepth * w.kernelHeight * w.kernelWidth;
  return simd === "mve" ? 8 * up(n, 8) : 4 * n;
}

/** DEPTHWISE_CONV_2D with int8 activations; int16 asks for nothing. */
export function depthwiseInt8Scratch(w: Window, simd: Simd): number {
  const taps = w.kernelHeight * w.kernelWidth;
  if (simd === "mve" && w.inChannels === 1 && w.outChannels > 1) {
    return convInt8Scratch({ ...w, filterDepth: 1 }, simd) + w.outChannels * taps;
  }
  if (w.inChannels !== w.outChannels || w.batch !== 1 || w.isDilated) return 0;
  if (simd === "mve") return 496 * taps;
  const fast3x3 = w.kernelHeight === 3 && w.kernelWidth === 3 && w.padTop <= 1 && w.padLeft <= 1;
  return simd === "none" || fast3x3 ? 0 : 2 * w.inChannels * taps;
}

/** TRANSPOSE_CONV with int8 activations: two requests, the second of which may be 0 bytes. */
export function transposeConvInt8Scratch(w: Window, simd: Simd): readonly [number, number] {
  const n = w.inChannels * w.kernelHeight * w.kernelWidth;
  if (w.strideHeight <= 2 && w.strideWidth <= 2 && w.inChannels > 16)
    return [columnScratch(n, simd), n * w.outChannels];
  const strip = (w.inWidth - 1) * w.strideWidth + Math.max(w.kernelWidth, w.strideHeight);
  return [strip * w.outChannels * Math.max(w.kernelHeight, w.strideHeight) * 4, 0];
}
