import type { ValueId } from "../../../ir/index.ts";
import { type ResizeAttributes, resizedAxes } from "../../../ops/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { resizeKernel, resizeTaps } from "../resize.ts";
import { composition } from "./compose.ts";

/** Resizing that TFLite's kernels do not do in the same way: GATHER along each axis, for interpolation a weighted sum of such. */
const resize = composition("resize-by-gather", "Resize", (c) => {
  const attrs = c.attrs as unknown as ResizeAttributes;
  const axes = resizedAxes(c.view.context(c.node) as never);
  if (axes.length === 0) return c.op("Identity", [c.in(0)]);
  if (attrs.coordinate_transformation_mode === "tf_crop_and_resize")
    c.refuse("Resize of a region (tf_crop_and_resize) has no TFLite form here", "Slice the region, then resize it.");
  if (resizeKernel(attrs, axes, c.shape(c.in(0)).length) !== null) return null;
  if (attrs.antialias !== 0 && attrs.mode !== "nearest")
    c.refuse("Resize with antialias has no TFLite form here", "Export the model without antialias.");
  let x: ValueId = c.in(0);
  for (const axis of axes) {
    const { positions, weights } = resizeTaps(attrs, axis);
    const shape = c.shape(x).map((_, i) => (i === axis.axis ? axis.output : 1));
    const terms = positions.map((list, t) => {
      const part = c.op("Gather", [x, c.ints(list)], { axis: axis.axis });
      if (weights[t]!.every((weight) => weight === 1)) return part;
      return c.op("Mul", [
        part,
        c.tensor("weights", { dtype: "float32", shape, data: Float32Array.from(weights[t]!) }),
      ]);
    });
    x = terms.reduce((sum, term) => c.op("Add", [sum, term]));
  }
  return x;
});

/** Resize in the modes that no kernel has. */
export const resizeRules: readonly Rule[] = [resize];
