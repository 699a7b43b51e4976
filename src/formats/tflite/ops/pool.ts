import { resolveWindow } from "../../../ops/index.ts";
import { float32 } from "../../../tensor/index.ts";
import { padded, two } from "../border.ts";
import { tfliteOptions } from "../codec/index.ts";
import { channelsLast, type Layout, physicalShape } from "../layout.ts";
import { type Border, borderOf, type SlidingWindow } from "../padding.ts";
import type { Lowering, StepContext } from "../step-context.ts";

function windowOf(c: StepContext): SlidingWindow {
  const rank = c.shape(0).length;
  if (rank > 4)
    c.refuse(`${c.step.op} over ${rank - 2} spatial axes has no TFLite form`, "Use one- or two-dimensional pooling.");
  const window = resolveWindow(
    c.step.op,
    c.step.attrs as never,
    c.attr<readonly number[]>("kernel_shape"),
    c.shape(0).slice(2),
  );
  if (window.dilations.some((d) => d !== 1))
    c.refuse(`${c.step.op} with dilations has no TFLite form`, "Use dilations of 1.");
  return window;
}

function poolOptions(c: StepContext, window: Pick<SlidingWindow, "kernel" | "strides">, border: Border) {
  const [filterHeight, filterWidth] = two(window.kernel, 1);
  const [strideH, strideW] = two(window.strides, 1);
  const fusedActivationFunction = c.step.activation;
  return tfliteOptions("Pool2DOptions", {
    padding: border.padding,
    filterHeight,
    filterWidth,
    strideH,
    strideW,
    fusedActivationFunction,
  });
}

function lowerMaxPool(c: StepContext): void {
  const layout = channelsLast(c.shape(0).length);
  const window = windowOf(c);
  const border = borderOf(window, c.shape(0).slice(2), c.outShape().slice(2));
  // The pad must never win: the least value that there is.
  const x = padded(
    c,
    sameScaleInput(c, layout),
    c.physical(0, layout),
    border,
    c.int8 ? { int8: -128, int16: -32768 }[c.element] : -3.4028234663852886e38,
  );
  const y = c.write(0, layout);
  c.emit("MAX_POOL_2D", [x], [y], poolOptions(c, window, border));
}

/** Pooling kernels move integers: their input must have the output's scale. */
function sameScaleInput(c: StepContext, layout: Layout): number {
  return c.read(0, layout, c.int8 ? c.outQuantization() : undefined);
}

/** How many elements of the input (and, when pads count, of the stated padding) each window holds, along one axis. */
function windowCounts(c: StepContext, window: SlidingWindow, axis: number): number[] {
  const spatial = window.kernel.length;
  const size = c.shape(0)[2 + axis]!;
  const begin = window.pads[axis]!;
  const padsCount = c.attr<number>("count_include_pad") === 1;
  const low = padsCount ? -begin : 0;
  const high = padsCount ? size + window.pads[spatial + axis]! : size;
  return Array.from({ length: c.outShape()[2 + axis]! }, (_, i) => {
    const start = i * window.strides[axis]! - begin;
    return Math.min(start + window.kernel[axis]!, high) - Math.max(start, low);
  });
}

/**
 * TFLite's average counts the input's elements only (as count_include_pad = 0). Where that is not what the node says,
 * zeros go in front, the window is VALID, and a product corrects the divisor at the border.
 */
function lowerAveragePool(c: StepContext): void {
  const layout = channelsLast(c.shape(0).length);
  const window = windowOf(c);
  const border = borderOf(window, c.shape(0).slice(2), c.outShape().slice(2));
  const padsCount = c.attr<number>("count_include_pad") === 1 && window.pads.some((pad) => pad > 0);
  const x = sameScaleInput(c, layout);
  if (border.pads === null && (border.padding === "VALID" || !padsCount)) {
    c.emit("AVERAGE_POOL_2D", [x], [c.write(0, layout)], poolOptions(c, window, border));
    return;
  }
  const explicit: Border = { padding: "VALID", pads: border.pads ?? window.kernel.map((_, i) => reach(c, window, i)) };
  const wide = padded(c, x, c.physical(0, layout), explicit);
  const ratios = divisorRatios(c, window);
  if (ratios.values.every((ratio) => ratio === 1)) {
    c.emit("AVERAGE_POOL_2D", [wide], [c.write(0, layout)], poolOptions(c, window, explicit));
    return;
  }
  const quantization = c.int8 ? c.outQuantization() : undefined;
  const mean = c.temporary("mean", physicalShape(c.outShape(), layout), quantization);
  const pooling = { ...poolOptions(c, window, explicit), fusedActivationFunction: "NONE" } as const;
  c.emit("AVERAGE_POOL_2D", [wide], [mean], pooling);
  const ratio = c.int8
    ? c.store("ratio", c.operand({ tensor: float32(ratios.shape, ratios.values) }))
    : c.numbers("ratio", ratios.shape, ratios.values);
  const fusedActivationFunction = c.step.activation;
  c.emit("MUL", [mean, ratio], [c.write(0, layout)], tfliteOptions("MulOptions", { fusedActivationFunction }));
}

/** What a mean over the whole window must be multiplied by at each place: window size / elements that count. */
function divisorRatios(c: StepContext, window: SlidingWindow): { shape: number[]; values: number[] } {
  const [rows, columns] = two(
    window.kernel.map((_, i) => windowCounts(c, window, i)),
    [1],
  );
  const size = window.kernel.reduce((a, b) => a * b, 1);
  return {
    shape: [1, rows.length, columns.length, 1],
    values: rows.flatMap((row) => columns.map((column) => size / (row * column))),
  };
}

/** The pads that the windows reach: what is stated at the beginning, and what the last window needs at the end. */
function reach(c: StepContext, window: SlidingWindow, axis: number): readonly [number, number] {
  const size = c.shape(0)[2 + axis]!;
  const out = c.outShape()[2 + axis]!;
  const begin = window.pads[axis]!;
  return [begin, Math.max(0, (out - 1) * window.strides[axis]! + window.kernel[axis]! - size - begin)];
}

/**
 * The mean over the image. As AVERAGE_POOL_2D with a window of the whole image it needs 4 bytes of scratch a channel in
 * TFLM with CMSIS-NN and none in the reference kernels, MEAN 4 bytes an output plus its axes and 3.6 kB more code; but
 * pooling keeps the scale of its input, so an output with a scale of its own is a MEAN.
 */
function lowerGlobalAverage(c: StepContext): void {
  const rank = c.shape(0).length;
  const layout = channelsLast(rank);
  const own = c.int8 && !sameScale(c);
  if (c.settings.globalAverage === "average-pool" && !own && rank <= 4) {
    const kernel = c.shape(0).slice(2);
    const x = c.read(0, layout);
    const y = c.write(0, layout);
    const border: Border = { padding: "VALID", pads: null };
    c.emit("AVERAGE_POOL_2D", [x], [y], poolOptions(c, { kernel, strides: kernel.map(() => 1) }, border));
    return;
  }
  const x = c.read(0, layout);
  const axes = c.vector(
    "axes",
    layout.flatMap((axis, i) => (axis >= 2 ? [i] : [])),
  );
  const y = c.write(0, layout);
  c.emit("MEAN", [x, axes], [y], tfliteOptions("ReducerOptions", { keepDims: true }));
}

function sameScale(c: StepContext): boolean {
  const a = c.inQuantization(0);
  const b = c.outQuantization();
  return a !== undefined && a.scales[0] === b.scales[0] && a.zeroPoints[0] === b.zeroPoints[0];
}

function lowerGlobalMax(c: StepContext): void {
  const layout = channelsLast(c.shape(0).length);
  const kernel = c.shape(0).slice(2);
  const x = sameScaleInput(c, layout);
  const y = c.write(0, layout);
  c.emit(
    "MAX_POOL_2D",
    [x],
    [y],
    poolOptions(c, { kernel, strides: kernel.map(() => 1) }, { padding: "VALID", pads: null }),
  );
}

export const MaxPool: Lowering = { lower: lowerMaxPool, int8: true, int16: true, wants: "channels-last" };
export const AveragePool: Lowering = { lower: lowerAveragePool, int8: true, int16: true, wants: "channels-last" };
export const GlobalAveragePool: Lowering = {
  lower: lowerGlobalAverage,
  int8: true,
  int16: true,
  wants: "channels-last",
};
export const GlobalMaxPool: Lowering = { lower: lowerGlobalMax, int8: true, int16: true, wants: "channels-last" };
