import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, productOf, shapeText, staticDim } from "../ir/index.ts";
import { float, int, ints, string } from "./attributes.ts";
import { coupleDeformConv } from "./coupling-conv.ts";
import { coupleSampling } from "./coupling-movement.ts";
import { affineGrid, gridSample, maxUnpool } from "./gradient-sampling.ts";
import { statedShape } from "./shape.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";
import { resolveWindow, windowOutput } from "./window.ts";

/** X [N, C, H, W] read at the points of a grid [N, Hout, Wout, 2] whose corners are -1 and 1; also with three spatial axes (ONNX GridSample-20). */
export const GridSample = defineOp({
  attrs: { align_corners: int(0), mode: string("linear"), padding_mode: string("zeros") },
  inputs: [2, 2],
  kind: "reduce",
  infer: (c) => {
    const x = c.ranked(0, 4, 5);
    const grid = c.ranked(1, x.length);
    if (!["linear", "nearest", "cubic"].includes(c.attrs.mode))
      throw new EspalierError("input", `GridSample has mode "${c.attrs.mode}", ONNX knows linear, nearest, cubic`);
    if (!["zeros", "border", "reflection"].includes(c.attrs.padding_mode))
      throw new EspalierError(
        "input",
        `GridSample has padding_mode "${c.attrs.padding_mode}", ONNX knows zeros, border, reflection`,
      );
    if (grid[0] !== x[0] || grid[x.length - 1] !== x.length - 2)
      throw new EspalierError(
        "input",
        `GridSample of ${shapeText(x)} has a grid of ${shapeText(grid)}: batch or coordinates do not fit`,
      );
    return [typed(c.type(0).dtype, [x[0]!, x[1]!, ...grid.slice(1, -1)])];
  },
  couple: coupleSampling,
  gradient: gridSample,
});

/** The sampling grid [N, H, W, 2] of affine maps theta [N, 2, 3] for the constant size [N, C, H, W]; likewise with three spatial axes (ONNX AffineGrid-20). */
export const AffineGrid = defineOp({
  attrs: { align_corners: int(0) },
  inputs: [2, 2],
  kind: "elementwise",
  infer: (c) => {
    const theta = c.ranked(0, 3);
    const [batch, , ...spatial] = statedShape(c, 1);
    const rank = spatial.length;
    if (rank < 2 || rank > 3 || theta[0] !== batch || theta[1] !== rank || theta[2] !== rank + 1)
      throw new EspalierError(
        "input",
        `AffineGrid has theta of ${shapeText(theta)} for the size ${shapeText(c.ints(1))}: they do not fit`,
      );
    return [typed(c.type(0).dtype, [theta[0]!, ...spatial, rank])];
  },
  couple: "frozen",
  gradient: affineGrid,
});

/** Pooled grids of regions by bilinear sampling (ONNX RoiAlign-16); inputs X [N, C, H, W], rois [R, 4], batch_indices [R]; output [R, C, height, width]. */
export const RoiAlign = defineOp({
  attrs: {
    coordinate_transformation_mode: string("half_pixel"),
    mode: string("avg"),
    output_height: int(1),
    output_width: int(1),
    sampling_ratio: int(0),
    spatial_scale: float(1),
  },
  inputs: [3, 3],
  kind: "reduce",
  infer: (c) => {
    const x = c.ranked(0, 4);
    const rois = c.ranked(1, 2);
    const { output_height: height, output_width: width } = c.attrs;
    if (rois[1] !== 4 || shapeText(c.shape(2)) !== shapeText([rois[0]!]) || height < 1 || width < 1)
      throw new EspalierError(
        "input",
        `RoiAlign to ${height} x ${width} has rois of ${shapeText(rois)} and indices of ${shapeText(c.shape(2))}: they do not fit`,
      );
    return [typed(c.type(0).dtype, [rois[0]!, x[1]!, height, width])];
  },
  couple: coupleSampling,
  gradient: "not-written",
});

/** The greatest element of each cell of regions (ONNX MaxRoiPool-1); inputs X [N, C, H, W], rois [R, 5]; output [R, C, ...pooled_shape]. */
export const MaxRoiPool = defineOp({
  attrs: { pooled_shape: ints(), spatial_scale: float(1) },
  inputs: [2, 2],
  kind: "reduce",
  infer: (c) => {
    const x = c.ranked(0, 4);
    const rois = c.ranked(1, 2);
    const pooled = c.attrs.pooled_shape;
    if (rois[1] !== 5 || pooled.length !== 2 || pooled.some((size) => size < 1))
      throw new EspalierError(
        "input",
        `MaxRoiPool to ${shapeText(pooled)} has rois of ${shapeText(rois)}: they do not fit`,
      );
    return [typed(c.type(0).dtype, [rois[0]!, x[1]!, ...pooled])];
  },
  couple: coupleSampling,
  gradient: "not-written",
});

/** Puts the elements of a MaxPool back where its indices say, zeros elsewhere (ONNX MaxUnpool-11); inputs x, indices, output_shape (constant). */
export const MaxUnpool = defineOp({
  attrs: { kernel_shape: ints(), pads: ints(), strides: ints() },
  inputs: [2, 3],
  kind: "movement",
  infer: (c) => {
    const x = c.ranked(0, 3, 5);
    if (shapeText(c.shape(1)) !== shapeText(x))
      throw new EspalierError("input", `MaxUnpool of ${shapeText(x)} has indices of ${shapeText(c.shape(1))}`);
    const attrs = { ...c.attrs, auto_pad: "NOTSET", dilations: [] };
    const { kernel, strides, pads } = resolveWindow(c.op, attrs, c.attrs.kernel_shape, x.slice(2));
    const least = kernel.map((size, i) => {
      const length = staticDim(x[2 + i], "A spatial size of MaxUnpool");
      const whole = (length - 1) * strides[i]! - pads[i]! - pads[kernel.length + i]! + size;
      if (whole < 1)
        throw new EspalierError("input", `MaxUnpool of ${shapeText(x)} is padded away on spatial axis ${i}`);
      return whole;
    });
    const stated = c.has(2) ? statedShape(c, 2) : null;
    if (stated !== null && (stated.length !== x.length || stated[0] !== x[0] || stated[1] !== x[1]))
      throw new EspalierError(
        "input",
        `MaxUnpool of ${shapeText(x)} states the output shape ${shapeText(stated)}: batch or channels differ`,
      );
    return [typed(c.type(0).dtype, stated ?? [x[0]!, x[1]!, ...least])];
  },
  couple: "frozen",
  gradient: maxUnpool,
});

/**
 * Convolution whose window positions move by an offset each (ONNX DeformConv-19); inputs X [N, C, H, W], W, offset [N, offset_group * kh * kw * 2, Hout,
 * Wout], bias, mask.
 */
export const DeformConv = defineOp({
  attrs: {
    dilations: ints(),
    group: int(1),
    kernel_shape: ints(),
    offset_group: int(1),
    pads: ints(),
    strides: ints(),
  },
  inputs: [3, 5],
  kind: "conv",
  infer: (c) => {
    const x = c.ranked(0, 4);
    const w = c.ranked(1, 4).map((dim) => staticDim(dim, "A size of the weight of DeformConv"));
    const { group, offset_group: offsets } = c.attrs;
    if (
      group < 1 ||
      offsets < 1 ||
      staticDim(x[1], "Channel count of DeformConv") !== w[1]! * group ||
      w[0]! % group !== 0
    )
      throw new EspalierError(
        "input",
        `DeformConv has ${x[1]} channels, ${group} groups and a weight of ${shapeText(w)}: they do not fit`,
      );
    const attrs = { ...c.attrs, auto_pad: "NOTSET" };
    const out = windowOutput(c.op, resolveWindow(c.op, attrs, w.slice(2), x.slice(2)), x.slice(2));
    checkOffsets(c, 2, [x[0]!, offsets * w[2]! * w[3]! * 2, ...out]);
    if (c.has(3)) checkOffsets(c, 3, [w[0]!]);
    if (c.has(4)) checkOffsets(c, 4, [x[0]!, offsets * w[2]! * w[3]!, ...out]);
    return [typed(c.type(0).dtype, [x[0]!, w[0]!, ...out])];
  },
  // As of Conv; the four products of each interpolated sample are not counted.
  macs: (c, [y]) => {
    const out = productOf(y!.shape);
    const window = c
      .shape(1)
      .slice(1)
      .reduce((a: number, b) => a * (b as number), 1);
    return { factor: out.factor * window, symbols: out.symbols };
  },
  couple: coupleDeformConv,
  gradient: "not-written",
});

function checkOffsets(c: OpContext<unknown>, i: number, shape: readonly Dim[]): void {
  if (shapeText(c.shape(i)) !== shapeText(shape))
    throw new EspalierError("input", `${c.op} needs input ${i} of ${shapeText(shape)}, got ${shapeText(c.shape(i))}`);
}
