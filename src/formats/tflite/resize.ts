import { type InterpolatedAxis, interpolationMatrix, type ResizeAttributes } from "../../ops/index.ts";

/** What TFLite's resizing kernels know besides the sizes. */
export interface ResizeFlags {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

const halfPixel: ResizeFlags = { alignCorners: false, halfPixelCenters: true };
const asymmetric: ResizeFlags = { alignCorners: false, halfPixelCenters: false };
const alignCorners: ResizeFlags = { alignCorners: true, halfPixelCenters: false };

/** A linear map along one axis: output position o is the sum of weights[t][o] * input[positions[t][o]] over the taps t. */
export interface Taps {
  readonly positions: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
}

/** Resizing along one axis as taps: one of weight 1 for nearest, two for linear, up to four for cubic. */
export function resizeTaps(attrs: ResizeAttributes, axis: InterpolatedAxis): Taps {
  const matrix = interpolationMatrix(attrs, axis);
  const rows = Array.from({ length: axis.output }, (_, o) => {
    const row = matrix.subarray(o * axis.input, (o + 1) * axis.input);
    return Array.from(row, (weight, i) => [i, weight] as const).filter(([, weight]) => weight !== 0);
  });
  const count = Math.max(1, ...rows.map((row) => row.length));
  const taps = Array.from({ length: count }, (_, t) => rows.map((row) => row[t] ?? ([0, 0] as const)));
  return {
    positions: taps.map((list) => list.map(([position]) => position)),
    weights: taps.map((list) => list.map(([, weight]) => weight)),
  };
}

/** Input positions of RESIZE_NEAREST_NEIGHBOR (tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h), in single precision. */
function kernelPositions({ input, output }: InterpolatedAxis, flags: ResizeFlags): number[] {
  const f = Math.fround;
  const scale = flags.alignCorners && output > 1 ? f((input - 1) / (output - 1)) : f(input / output);
  return Array.from({ length: output }, (_, x) => {
    const at = f(f(x + (flags.halfPixelCenters ? 0.5 : 0)) * scale);
    return Math.max(0, Math.min(input - 1, flags.alignCorners ? Math.round(at) : Math.floor(at)));
  });
}

/** The flags with which RESIZE_NEAREST_NEIGHBOR picks the same elements on every axis; null when none do. */
function nearestKernel(attrs: ResizeAttributes, axes: readonly InterpolatedAxis[]): ResizeFlags | null {
  const wanted = axes.map((axis) => resizeTaps(attrs, axis).positions[0]!.join());
  const same = (flags: ResizeFlags) => axes.every((axis, i) => kernelPositions(axis, flags).join() === wanted[i]);
  return [halfPixel, asymmetric, alignCorners].find(same) ?? null;
}

/** The flags with which RESIZE_BILINEAR interpolates at the same coordinates; null when none do. */
function linearKernel(attrs: ResizeAttributes, axes: readonly InterpolatedAxis[]): ResizeFlags | null {
  const mode = attrs.coordinate_transformation_mode;
  const several = axes.every(({ output }) => output > 1);
  if (mode === "align_corners") return several ? alignCorners : null;
  // The kernel knows sizes, not scales: a scale that does not give a whole size moves the coordinates.
  if (axes.some(({ input, output, scale }) => Math.abs(output / input / scale - 1) > 1e-6)) return null;
  if (mode === "asymmetric") return asymmetric;
  if (mode === "half_pixel" || mode === "half_pixel_symmetric") return halfPixel;
  return mode === "pytorch_half_pixel" && several ? halfPixel : null;
}

/** The flags with which a kernel of TFLite resizes an image [N, C, H, W] or a sequence [N, C, L] exactly so; null when none does. */
export function resizeKernel(
  attrs: ResizeAttributes,
  axes: readonly InterpolatedAxis[],
  rank: number,
): ResizeFlags | null {
  if ((rank !== 3 && rank !== 4) || axes.some(({ axis }) => axis < 2)) return null;
  if (attrs.mode === "nearest") return nearestKernel(attrs, axes);
  return attrs.mode === "linear" && attrs.antialias === 0 ? linearKernel(attrs, axes) : null;
}
