import { EspalierError } from "../../../diagnostics/index.ts";
import { shapeText, type ValueId } from "../../../ir/index.ts";
import { channelsFirst, channelsLast, op, rankOf, reshape, type Scope, shapeOf, sizeAt, transpose } from "./scope.ts";

/** Padding as TensorFlow states it: by rule, or [begin, end] for each spatial axis. */
export type Padding = "SAME" | "VALID" | readonly (readonly [number, number])[];

/** What a convolution or pool says besides its operands; lists have an entry a spatial axis. */
export interface WindowOptions {
  readonly strides: readonly number[];
  readonly padding: Padding;
  /** Absent: 1 everywhere. */
  readonly dilations?: readonly number[];
  /** Channels last (NHWC), which is TensorFlow's default, or first. */
  readonly last: boolean;
}

function checked(spatial: number, o: WindowOptions): Required<WindowOptions> {
  const dilations = o.dilations ?? o.strides.map(() => 1);
  for (const list of [o.strides, dilations])
    if (list.length !== spatial || list.some((value) => !Number.isInteger(value) || value < 1))
      throw new EspalierError(
        "input",
        `Strides and dilations must be ${spatial} positive integers, got ${shapeText(list)}`,
      );
  if (typeof o.padding !== "string" && o.padding.length !== spatial)
    throw new EspalierError("input", `Paddings must be given for ${spatial} spatial axes, got ${o.padding.length}`);
  return { ...o, dilations };
}

/** ONNX pads [begins..., ends...]; SAME puts the odd one at the end (TensorFlow, tf.nn.convolution). */
function padsOf(sizes: readonly number[], kernel: readonly number[], o: Required<WindowOptions>): number[] {
  if (o.padding === "VALID") return new Array<number>(2 * kernel.length).fill(0);
  if (o.padding !== "SAME") return [...o.padding.map(([begin]) => begin), ...o.padding.map(([, end]) => end)];
  const totals = kernel.map((size, i) => {
    const extent = (size - 1) * o.dilations[i]! + 1;
    return Math.max(0, (Math.ceil(sizes[i]! / o.strides[i]!) - 1) * o.strides[i]! + extent - sizes[i]!);
  });
  return [...totals.map((total) => Math.floor(total / 2)), ...totals.map((total) => total - Math.floor(total / 2))];
}

/** Spatial sizes of a channels-first value; only SAME needs them known. */
function spatialSizes(s: Scope, x: ValueId, o: WindowOptions): number[] {
  return o.padding === "SAME" ? Array.from({ length: rankOf(s, x) - 2 }, (_, i) => sizeAt(s, x, i + 2)) : [];
}

/** A channels-last operand around a channels-first operator. */
export function around(s: Scope, x: ValueId, last: boolean, make: (x: ValueId) => ValueId): ValueId {
  const y = make(last ? channelsFirst(s, x) : x);
  return last ? channelsLast(s, y) : y;
}

/** The sizes of a filter of rank spatial + 2. */
function filterSizes(s: Scope, x: ValueId, filter: ValueId): number[] {
  const shape = shapeOf(s, filter);
  if (rankOf(s, x) < 3 || shape.length !== rankOf(s, x) || shape.some((dim) => typeof dim === "string"))
    throw new EspalierError(
      "input",
      `A convolution over ${shapeText(shapeOf(s, x))} has a filter of shape ${shapeText(shape)}`,
    );
  return shape as number[];
}

/** The bias as an operand of Conv when it is a vector of the right length, else null. */
function vectorBias(s: Scope, bias: ValueId | null, channels: number): ValueId | null {
  if (bias === null) return null;
  const shape = shapeOf(s, bias);
  return shape.length === 1 && shape[0] === channels ? bias : null;
}

/** Adds a bias over the channels. */
export function biased(s: Scope, y: ValueId, bias: ValueId, last: boolean): ValueId {
  const rank = rankOf(s, y);
  const shaped = last || rankOf(s, bias) !== 1 ? bias : reshape(s, bias, [-1, ...new Array<number>(rank - 2).fill(1)]);
  return op(s, "Add", [y, shaped]);
}

interface ConvOperands {
  readonly x: ValueId;
  /** ONNX layout: [Cout, Cin/group, ...spatial]. */
  readonly w: ValueId;
  readonly kernel: readonly number[];
  readonly channels: number;
  readonly groups: (inputChannels: number) => number;
  readonly bias: ValueId | null;
}

function convNode(s: Scope, c: ConvOperands, o: Required<WindowOptions>): ValueId {
  const vector = vectorBias(s, c.bias, c.channels);
  const y = around(s, c.x, o.last, (x) => {
    const attrs = {
      strides: o.strides,
      dilations: o.dilations,
      group: c.groups(sizeAt(s, x, 1)),
      pads: padsOf(spatialSizes(s, x, o), c.kernel, o),
    };
    return op(s, "Conv", vector === null ? [x, c.w] : [x, c.w, vector], attrs);
  });
  return c.bias === null || vector !== null ? y : biased(s, y, c.bias, o.last);
}

/** Convolution with a filter [...spatial, Cin/groups, Cout]. */
export function conv(s: Scope, x: ValueId, filter: ValueId, bias: ValueId | null, options: WindowOptions): ValueId {
  const f = filterSizes(s, x, filter);
  const spatial = f.length - 2;
  const axes = Array.from({ length: spatial }, (_, i) => i);
  const [each, channels] = [f[spatial]!, f[spatial + 1]!];
  return convNode(
    s,
    {
      x,
      w: transpose(s, filter, [spatial + 1, spatial, ...axes]),
      kernel: f.slice(0, spatial),
      channels,
      groups: (inputs) => (each > 0 && inputs % each === 0 ? inputs / each : 1),
      bias,
    },
    checked(spatial, options),
  );
}

/** Depthwise convolution with a filter [...spatial, C, multiplier]; output channel c * multiplier + m. */
export function depthwise(
  s: Scope,
  x: ValueId,
  filter: ValueId,
  bias: ValueId | null,
  options: WindowOptions,
): ValueId {
  const f = filterSizes(s, x, filter);
  const spatial = f.length - 2;
  const kernel = f.slice(0, spatial);
  const channels = f[spatial]! * f[spatial + 1]!;
  const moved = transpose(s, filter, [spatial, spatial + 1, ...kernel.map((_, i) => i)]);
  const w = reshape(s, moved, [channels, 1, ...kernel]);
  return convNode(s, { x, w, kernel, channels, groups: () => f[spatial]!, bias }, checked(spatial, options));
}

/**
 * Transposed convolution with a filter [...spatial, Cout, Cin] to given spatial sizes: the gradient of the convolution
 * that has those sizes as its input, so its SAME padding is computed from them.
 */
export function convTranspose(
  s: Scope,
  x: ValueId,
  filter: ValueId,
  bias: ValueId | null,
  out: readonly number[],
  options: WindowOptions,
): ValueId {
  const f = filterSizes(s, x, filter);
  const spatial = f.length - 2;
  const o = checked(spatial, options);
  const kernel = f.slice(0, spatial);
  const w = transpose(s, filter, [spatial + 1, spatial, ...kernel.map((_, i) => i)]);
  const vector = vectorBias(s, bias, f[spatial]!);
  const y = around(s, x, o.last, (first) => {
    const pads = padsOf(out, kernel, o);
    const output_padding = kernel.map((size, i) => {
      const extent = (size - 1) * o.dilations[i]! + 1;
      const full = (sizeAt(s, first, i + 2) - 1) * o.strides[i]! + extent;
      return out[i]! - (full - pads[i]! - pads[spatial + i]!);
    });
    const attrs = { strides: o.strides, dilations: o.dilations, pads, output_padding };
    return op(s, "ConvTranspose", vector === null ? [first, w] : [first, w, vector], attrs);
  });
  return bias === null || vector !== null ? y : biased(s, y, bias, o.last);
}

/** Max or average pool; the average leaves padding out of the count, as TensorFlow does. */
export function pool(
  s: Scope,
  type: "MaxPool" | "AveragePool",
  x: ValueId,
  kernel: readonly number[],
  options: WindowOptions,
): ValueId {
  const spatial = rankOf(s, x) - 2;
  const o = checked(spatial, options);
  if (kernel.length !== spatial)
    throw new EspalierError("input", `A pool over ${shapeText(shapeOf(s, x))} has a window of ${shapeText(kernel)}`);
  return around(s, x, o.last, (first) =>
    op(s, type, [first], {
      kernel_shape: kernel,
      strides: o.strides,
      pads: padsOf(spatialSizes(s, first, o), kernel, o),
    }),
  );
}
