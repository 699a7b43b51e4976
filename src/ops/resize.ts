import { EspalierError } from "../diagnostics/index.ts";
import { normalAxis, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { type AttributesOf, float, int, ints, string } from "./attributes.ts";
import { coupleResize } from "./coupling-movement.ts";
import { resize } from "./gradient-resize.ts";
import type { InterpolatedAxis } from "./interpolation.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

const resizeAttributes = {
  antialias: int(0),
  axes: ints(),
  coordinate_transformation_mode: string("half_pixel"),
  cubic_coeff_a: float(-0.75),
  exclude_outside: int(0),
  extrapolation_value: float(0),
  keep_aspect_ratio_policy: string("stretch"),
  mode: string("nearest"),
  nearest_mode: string("round_prefer_floor"),
};

export type ResizeAttributes = AttributesOf<typeof resizeAttributes>;

const known: Readonly<Record<string, readonly string[]>> = {
  mode: ["nearest", "linear", "cubic"],
  nearest_mode: ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
  keep_aspect_ratio_policy: ["stretch", "not_larger", "not_smaller"],
  coordinate_transformation_mode: [
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
  ],
};

function checkAttributes(attrs: ResizeAttributes): void {
  for (const [name, values] of Object.entries(known)) {
    const value = attrs[name as keyof ResizeAttributes] as string;
    if (!values.includes(value))
      throw new EspalierError("input", `Resize has ${name} "${value}", ONNX knows ${values.join(", ")}`);
  }
}

/** The numbers of an optional constant input; an empty one counts as absent (ONNX Resize-11 wrote it so). */
function present(c: OpContext<unknown>, i: number): number[] | null {
  const given = c.has(i) ? c.numbers(i) : [];
  return given.length === 0 ? null : given;
}

/** The axes that scales or sizes are listed for, in their order. */
function listedAxes(c: OpContext<ResizeAttributes>, x: Shape): number[] {
  if (c.attrs.axes.length === 0) return x.map((_, i) => i);
  const axes = c.attrs.axes.map((axis) => normalAxis(axis, x.length));
  if (new Set(axes).size < axes.length)
    throw new EspalierError("input", `Resize names an axis twice: ${shapeText(c.attrs.axes)}`);
  return axes;
}

function checked(resized: InterpolatedAxis): InterpolatedAxis {
  const { axis, input, output } = resized;
  if (!Number.isSafeInteger(output) || output < 0 || (input === 0 && output > 0))
    throw new EspalierError("input", `Resize of axis ${axis} from ${input} to ${output} positions is not possible`);
  return resized;
}

/** What `resizedAxes` is told of one listed axis. */
interface Wanted {
  readonly scale?: number;
  readonly size?: number;
}

function resizeAxis(x: Shape, axis: number, wanted: Wanted, region: readonly [number, number], crops: boolean) {
  const what = "A resized size";
  if (wanted.size !== undefined) {
    const input = staticDim(x[axis], what);
    return { axis, input, output: wanted.size, scale: wanted.size / input, region };
  }
  const scale = wanted.scale!;
  if (!(scale > 0))
    throw new EspalierError("input", `Resize has a scale of ${scale} for axis ${axis}: it must be above 0`);
  const input = staticDim(x[axis], what);
  // In single precision, as ONNX Runtime multiplies.
  const covered = crops ? Math.fround(input * Math.fround(region[1] - region[0])) : input;
  return { axis, input, output: Math.floor(Math.fround(covered * scale)), scale, region };
}

/**
 * The axes that a Resize changes (ONNX Resize-19; inputs x, roi, scales, sizes): those of scale 1, or whose size stays, are left out, so that a symbolic
 * batch passes. With an aspect ratio policy all listed axes share one scale, and sizes are rounded half up.
 */
export function resizedAxes(c: OpContext<ResizeAttributes>): InterpolatedAxis[] {
  checkAttributes(c.attrs);
  const x = c.ranked(0, 1, 8);
  const axes = listedAxes(c, x);
  const scales = present(c, 2);
  const sizes = present(c, 3);
  const count = (scales ?? sizes)?.length;
  if ((scales === null) === (sizes === null) || count !== axes.length)
    throw new EspalierError(
      "input",
      `Resize over ${axes.length} axes needs as many scales or sizes (not both), got ${scales?.length ?? 0} scales and ${sizes?.length ?? 0} sizes`,
    );
  const crops = c.attrs.coordinate_transformation_mode === "tf_crop_and_resize";
  const roi = crops ? present(c, 1) : null;
  if (crops && roi?.length !== 2 * axes.length)
    throw new EspalierError("input", `Resize of a region needs ${2 * axes.length} bounds, got ${roi?.length ?? 0}`);
  const region = (i: number): readonly [number, number] => (roi === null ? [0, 1] : [roi[i]!, roi[axes.length + i]!]);
  const { keep_aspect_ratio_policy: policy } = c.attrs;
  if (sizes !== null && policy !== "stretch") return keptRatio(x, axes, sizes, policy === "not_larger");
  return axes.flatMap((axis, i): InterpolatedAxis[] => {
    if (!crops && (scales?.[i] === 1 || sizes?.[i] === x[axis])) return [];
    const wanted = scales === null ? { size: sizes![i]! } : { scale: scales[i]! };
    return [checked(resizeAxis(x, axis, wanted, region(i), crops))];
  });
}

function keptRatio(
  x: Shape,
  axes: readonly number[],
  sizes: readonly number[],
  notLarger: boolean,
): InterpolatedAxis[] {
  const inputs = axes.map((axis) => staticDim(x[axis], "A resized size"));
  const ratios = inputs.map((input, i) => Math.fround(sizes[i]! / input));
  const scale = notLarger ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis, i) => {
    const input = inputs[i]!;
    return checked({ axis, input, output: Math.floor(Math.fround(scale * input) + 0.5), scale, region: [0, 1] });
  });
}

/** Interpolation to another size (ONNX Resize-19). Scales or sizes are constant; where it crops (`tf_crop_and_resize`), so is the region. */
export const Resize = defineOp({
  attrs: resizeAttributes,
  inputs: [1, 4],
  kind: "movement",
  infer: (c) => {
    const shape = [...c.shape(0)];
    for (const { axis, output } of resizedAxes(c)) shape[axis] = output;
    return [typed(c.type(0).dtype, shape)];
  },
  couple: (c) =>
    coupleResize(
      c,
      resizedAxes(c.facts).map((resized) => resized.axis),
    ),
  gradient: resize<ResizeAttributes>(resizedAxes),
});
