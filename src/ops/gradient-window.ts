import type { ValueId } from "../ir/index.ts";
import { float32, sizeOf } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";
import { resolveWindow, type Window, type WindowAttributes } from "./window.ts";

/** Padding that would make the last window end exactly at the end of the padded input; negative where a stride leaves a rest unused. */
function endPads(window: Window, input: readonly number[], output: readonly number[]): number[] {
  return window.kernel.map((kernel, i) => {
    const extent = (kernel - 1) * window.dilations[i]! + 1;
    return (output[i]! - 1) * window.strides[i]! + extent - input[i]! - window.pads[i]!;
  });
}

/** Attributes of the ConvTranspose that adds every window's values back to the positions that the window covers. */
export function scatterAttributes(
  window: Window,
  input: readonly number[],
  output: readonly number[],
): Record<"dilations" | "strides" | "pads" | "output_padding", number[]> {
  const ends = endPads(window, input, output);
  return {
    dilations: [...window.dilations],
    strides: [...window.strides],
    pads: [...window.pads.slice(0, window.kernel.length), ...ends.map((end) => Math.max(end, 0))],
    output_padding: ends.map((end) => Math.max(-end, 0)),
  };
}

/** Every position of a kernel, in row-major order. */
export function kernelTaps(kernel: readonly number[]): number[][] {
  let taps: number[][] = [[]];
  for (const size of kernel)
    taps = taps.flatMap((tap) => Array.from({ length: size }, (_, position) => [...tap, position]));
  return taps;
}

/** For each tap of the window, the input element that each output position sees there: tensors [N, C, ...output], in row-major tap order. */
export function windowSlices(
  f: Formula,
  x: ValueId,
  window: Window,
  input: readonly number[],
  output: readonly number[],
  padValue?: number,
): ValueId[] {
  const rank = window.kernel.length;
  const ends = endPads(window, input, output).map((end) => Math.max(end, 0));
  const begins = window.pads.slice(0, rank);
  const padded = [...begins, ...ends].some((pad) => pad > 0)
    ? f.node(
        "Pad",
        padValue === undefined
          ? [x, f.ints([0, 0, ...begins, 0, 0, ...ends])]
          : [x, f.ints([0, 0, ...begins, 0, 0, ...ends]), f.number(padValue)],
      )
    : x;
  const size = input.map((dim, i) => dim + begins[i]! + ends[i]!);
  const whole = size.every((dim, i) => dim === output[i] && window.strides[i] === 1);
  const axes = f.ints(window.kernel.map((_, i) => 2 + i));
  const steps = f.ints(window.strides);
  return kernelTaps(window.kernel).map((tap) => {
    if (whole) return padded;
    const starts = tap.map((position, i) => position * window.dilations[i]!);
    const stops = starts.map((start, i) => start + (output[i]! - 1) * window.strides[i]! + 1);
    return f.node("Slice", [padded, f.ints(starts), f.ints(stops), axes, steps]);
  });
}

interface PoolAttributes extends WindowAttributes {
  readonly kernel_shape: readonly number[];
}

/** Sums per-tap values [N, C, ...output] back to the input positions: a ConvTranspose over the taps as channels, with a one-hot kernel. */
function scatterTaps(
  f: Formula,
  taps: readonly ValueId[],
  window: Window,
  input: readonly number[],
  output: readonly number[],
): ValueId {
  const [planes, count] = [input[0]! * input[1]!, taps.length];
  const parts = taps.map((tap) => f.reshape(tap, [planes, 1, ...output.slice(2)]));
  const stacked = parts.length === 1 ? parts[0]! : f.node("Concat", parts, { axis: 1 });
  const identity = new Float32Array(count * count);
  for (let i = 0; i < count; i++) identity[i * count + i] = 1;
  const kernel = f.constant(float32([count, 1, ...window.kernel], identity));
  const image = f.node("ConvTranspose", [stacked, kernel], scatterAttributes(window, input.slice(2), output.slice(2)));
  return f.reshape(image, input);
}

/** The first element of a window (in row-major order) that equals its maximum gets the gradient. */
export const maxPool: GradientRule<PoolAttributes> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [x, y, dy] = [c.inputs[0]!, c.outputs[0]!, c.outputGradients[0]!];
  const [input, output] = [f.shape(x), f.shape(y)];
  const window = resolveWindow("MaxPool", c.attrs, c.attrs.kernel_shape, input.slice(2));
  const slices = windowSlices(f, x, window, input.slice(2), output.slice(2), Number.NEGATIVE_INFINITY);
  let taken: ValueId | null = null;
  const parts = slices.map((slice) => {
    const hit = f.node("Equal", [slice, y]);
    const first: ValueId = taken === null ? hit : f.node("And", [hit, f.node("Not", [taken])]);
    taken = taken === null ? hit : f.node("Or", [taken, hit]);
    return f.only(first, dy);
  });
  return [scatterTaps(f, parts, window, input, output)];
};

/** How many elements each window averages over: those inside the input, or inside its padding too. */
function windowCounts(
  window: Window,
  input: readonly number[],
  output: readonly number[],
  pads: boolean,
): Float32Array {
  const rank = window.kernel.length;
  const along = output.map((positions, axis) =>
    Array.from({ length: positions }, (_, position) => {
      const low = pads ? -window.pads[axis]! : 0;
      const high = pads ? input[axis]! + window.pads[rank + axis]! : input[axis]!;
      let count = 0;
      for (let tap = 0; tap < window.kernel[axis]!; tap++) {
        const at = position * window.strides[axis]! - window.pads[axis]! + tap * window.dilations[axis]!;
        if (at >= low && at < high) count++;
      }
      return count;
    }),
  );
  const counts = new Float32Array(sizeOf(output));
  for (let flat = 0; flat < counts.length; flat++) {
    let [rest, count] = [flat, 1];
    for (let axis = output.length - 1; axis >= 0; axis--) {
      count *= along[axis]![rest % output[axis]!]!;
      rest = Math.floor(rest / output[axis]!);
    }
    counts[flat] = count;
  }
  return counts;
}

/** Each element of a window gets dy / (size of the window). */
export const averagePool: GradientRule<PoolAttributes & { readonly count_include_pad: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [input, output] = [f.shape(c.inputs[0]!), f.shape(c.outputs[0]!)];
  const window = resolveWindow("AveragePool", c.attrs, c.attrs.kernel_shape, input.slice(2));
  const counts = windowCounts(window, input.slice(2), output.slice(2), c.attrs.count_include_pad === 1);
  const share = f.constant(
    float32(
      [1, 1, ...output.slice(2)],
      counts.map((count) => 1 / count),
    ),
  );
  return [spread(f, f.mul(c.outputGradients[0]!, share), window, input)];
};

/** Adds each window's value to every position that the window covers. */
function spread(f: Formula, values: ValueId, window: Window, input: readonly number[]): ValueId {
  const output = f.shape(values);
  const planes = f.reshape(values, [input[0]! * input[1]!, 1, ...output.slice(2)]);
  const ones = f.constant(float32([1, 1, ...window.kernel], new Float32Array(sizeOf(window.kernel)).fill(1)));
  const image = f.node("ConvTranspose", [planes, ones], scatterAttributes(window, input.slice(2), output.slice(2)));
  return f.reshape(image, input);
}

/** sign(x) |x|^(p-1), the derivative of |x|^p / p. */
function powers(f: Formula, x: ValueId, p: number): ValueId {
  return f.mul(f.node("Sign", [x]), f.node("Pow", [f.node("Abs", [x]), f.number(p - 1)]));
}

/** y = (sum |x|^p)^(1/p): dx = sign(x) |x|^(p-1) times the sum of dy y^(1-p) over its windows; for windows that are not all zero. */
export const lpPool: GradientRule<PoolAttributes & { readonly p: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const input = f.shape(c.inputs[0]!);
  const window = resolveWindow("LpPool", c.attrs, c.attrs.kernel_shape, input.slice(2));
  const share = f.mul(c.outputGradients[0]!, f.node("Pow", [c.outputs[0]!, f.number(1 - c.attrs.p)]));
  return [f.mul(powers(f, c.inputs[0]!, c.attrs.p), spread(f, share, window, input))];
};

export const globalLpPool: GradientRule<{ readonly p: number }> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const share = f.mul(c.outputGradients[0]!, f.node("Pow", [c.outputs[0]!, f.number(1 - c.attrs.p)]));
  return [f.mul(powers(f, c.inputs[0]!, c.attrs.p), share)];
};

export const globalAveragePool: GradientRule<unknown> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const input = f.shape(c.inputs[0]!);
  const share = f.mul(c.outputGradients[0]!, f.number(1 / sizeOf(input.slice(2))));
  return [f.node("Expand", [share, f.ints(input)])];
};

/** Positions that equal the maximum share its gradient equally. */
export const globalMaxPool: GradientRule<unknown> = (c) => {
  if (!c.wants(0)) return [null];
  const f = formulaOf(c);
  const [x, y, dy] = [c.inputs[0]!, c.outputs[0]!, c.outputGradients[0]!];
  const hits = f.indicator(f.node("Equal", [x, y]));
  const axes = f.shape(x).flatMap((_, i) => (i < 2 ? [] : [i]));
  return [f.mul(hits, f.div(dy, f.sum(hits, axes)))];
};
