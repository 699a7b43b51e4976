import type { Padding } from "./codec/index.ts";

/** How a window meets the border: TFLite's own padding, or pads that an operator in front must add before VALID. */
export interface Border {
  readonly padding: Padding;
  /** [begin, end] of each spatial axis to add before; null: none. */
  readonly pads: readonly (readonly [number, number])[] | null;
}

/** A sliding window over spatial sizes, as resolved by the operator table. */
export interface SlidingWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/**
 * TFLite's form of ONNX pads. SAME gives ceil(size / stride) outputs and puts the odd pad at the end (TensorFlow's rule);
 * VALID drops what does not fill a window. Only what the windows reach is padded: with ceil_mode that can be more
 * than the stated pads, with a stride that leaves a rest it can be less.
 */
export function borderOf(window: SlidingWindow, sizes: readonly number[], outputs: readonly number[]): Border {
  const axes = window.kernel.map((kernel, i) => {
    const extent = (kernel - 1) * window.dilations[i]! + 1;
    const reach = (outputs[i]! - 1) * window.strides[i]! + extent;
    const begin = window.pads[i]!;
    const end = Math.max(0, reach - sizes[i]! - begin);
    const needed = Math.max(0, reach - sizes[i]!);
    const valid = begin === 0 && end === 0 && Math.floor((sizes[i]! - extent) / window.strides[i]!) + 1 === outputs[i]!;
    const same = Math.ceil(sizes[i]! / window.strides[i]!) === outputs[i]! && Math.floor(needed / 2) === begin;
    return { begin, end, valid, same };
  });
  if (axes.every((axis) => axis.valid)) return { padding: "VALID", pads: null };
  if (axes.every((axis) => axis.same)) return { padding: "SAME", pads: null };
  return { padding: "VALID", pads: axes.map((axis) => [axis.begin, axis.end] as const) };
}

/**
 * Zeros to add behind each kernel axis so that TFLite's SAME puts as many pads in front as ONNX's do; null when no
 * number does. SAME's front is floor(((outputs - 1) * stride + kernel - size) / 2): a 3 x 3 kernel with stride 2 and
 * pads of 1 on an even size becomes 4 x 4.
 */
export function growthOf(window: SlidingWindow, sizes: readonly number[], outputs: readonly number[]): number[] | null {
  const growth = window.kernel.map((kernel, i) => {
    if (window.dilations[i] !== 1 || Math.ceil(sizes[i]! / window.strides[i]!) !== outputs[i]!) return -1;
    const least = 2 * window.pads[i]! + sizes[i]! - (outputs[i]! - 1) * window.strides[i]!;
    return kernel === least + 1 ? 0 : least - kernel;
  });
  return growth.some((extra) => extra < 0) ? null : growth;
}
