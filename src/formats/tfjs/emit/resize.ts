import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { float32 } from "../../../tensor/index.ts";
import { constant, ints, op, rankOf, type Scope, shapeOf, sizeAt } from "./scope.ts";
import { around } from "./window.ts";

export interface ResizeOptions {
  readonly mode: "linear" | "nearest";
  /** Where output position i reads: corner on corner, pixel centre on pixel centre, or i times input size over output size. */
  readonly coordinates: "align_corners" | "half_pixel" | "asymmetric";
  readonly last: boolean;
}

/**
 * How the new sizes are stated for a channels-first value. Scales where they give just these sizes: ONNX Runtime 1.30
 * refuses a Resize with the attribute `axes` next to a Transpose that it moves through it.
 */
function operands(s: Scope, x: ValueId, sizes: readonly number[]): { inputs: (ValueId | null)[]; axes?: number[] } {
  const shape = shapeOf(s, x);
  const scales = sizes.map((size, i) => Math.fround(size / sizeAt(s, x, i + 2)));
  const exact = sizes.every((size, i) => Math.floor(Math.fround(scales[i]! * sizeAt(s, x, i + 2))) === size);
  if (exact) return { inputs: [x, null, constant(s, "scales", float32([shape.length], [1, 1, ...scales]))] };
  if (shape.every((dim) => typeof dim === "number"))
    return { inputs: [x, null, null, ints(s, "sizes", [...(shape.slice(0, 2) as number[]), ...sizes])] };
  return { inputs: [x, null, null, ints(s, "sizes", sizes)], axes: sizes.map((_, i) => i + 2) };
}

/** Resizes the two spatial axes of an image. Nearest takes the position rounded down, or for corners and centres rounded. */
export function resize(s: Scope, x: ValueId, sizes: readonly number[], o: ResizeOptions): ValueId {
  if (rankOf(s, x) !== 4 || sizes.length !== 2 || sizes.some((size) => !Number.isInteger(size) || size < 1))
    throw new EspalierError(
      "input",
      `A resize of a value of rank ${rankOf(s, x)} to [${sizes.join(", ")}] is not possible`,
    );
  // Nearest by centres takes floor((i + 0.5) * scale), which is half_pixel's position + 0.5, rounded down.
  const nearest = o.coordinates === "asymmetric" ? "floor" : "round_prefer_ceil";
  const attrs = {
    mode: o.mode,
    coordinate_transformation_mode: o.coordinates,
    ...(o.mode === "nearest" ? { nearest_mode: nearest } : {}),
  };
  return around(s, x, o.last, (first) => {
    const { inputs, axes } = operands(s, first, sizes);
    return op(s, "Resize", inputs, axes === undefined ? attrs : { ...attrs, axes });
  });
}
