import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, normalAxis, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, ints, string } from "./attributes.ts";
import { coupleCenterCropPad } from "./coupling-movement.ts";
import { centerCropPad } from "./gradient-pad.ts";
import { col2Im, depthToSpace, spaceToDepth } from "./gradient-space.ts";
import { statedShape } from "./shape.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";
import { resolveWindow } from "./window.ts";

function blockOf(c: OpContext<{ readonly blocksize: number }>): { x: Shape; block: number; sizes: readonly number[] } {
  const x = c.ranked(0, 4);
  const block = c.attrs.blocksize;
  if (block < 1) throw new EspalierError("input", `${c.op} has a blocksize of ${block}: it must be at least 1`);
  return { x, block, sizes: x.slice(1).map((dim) => staticDim(dim, `A size of ${c.op}`)) };
}

/**
 * [N, C, H, W] to [N, C / b^2, H b, W b] (ONNX DepthToSpace-13): the channels of one pixel become a block of pixels. Mode DCR reads them as
 * (b, b, C / b^2), CRD as (C / b^2, b, b).
 */
export const DepthToSpace = defineOp({
  attrs: { blocksize: int(), mode: string("DCR") },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const { x, block, sizes } = blockOf(c);
    if (c.attrs.mode !== "DCR" && c.attrs.mode !== "CRD")
      throw new EspalierError("input", `DepthToSpace has mode "${c.attrs.mode}", ONNX knows DCR and CRD`);
    if (sizes[0]! % block ** 2 !== 0)
      throw new EspalierError(
        "input",
        `DepthToSpace of ${shapeText(x)}: ${sizes[0]} channels are no multiple of ${block}^2`,
      );
    return [typed(c.type(0).dtype, [x[0]!, sizes[0]! / block ** 2, sizes[1]! * block, sizes[2]! * block])];
  },
  couple: (c) => {
    const { blocksize, mode } = c.facts.attrs;
    const channels = Number(c.outputShape()[1]);
    const pixels = Array.from({ length: blocksize ** 2 }, (_, i) => i);
    const source = (channel: number, pixel: number) =>
      mode === "DCR" ? pixel * channels + channel : channel * blocksize ** 2 + pixel;
    c.channelBlocks(Array.from({ length: channels }, (_, channel) => pixels.map((pixel) => source(channel, pixel))));
  },
  gradient: depthToSpace,
});

/** [N, C, H, W] to [N, C b^2, H / b, W / b] (ONNX SpaceToDepth-13): the inverse of DepthToSpace in mode DCR. */
export const SpaceToDepth = defineOp({
  attrs: { blocksize: int() },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const { x, block, sizes } = blockOf(c);
    if (sizes[1]! % block !== 0 || sizes[2]! % block !== 0)
      throw new EspalierError(
        "input",
        `SpaceToDepth of ${shapeText(x)}: its height and width are no multiples of ${block}`,
      );
    return [typed(c.type(0).dtype, [x[0]!, sizes[0]! * block ** 2, sizes[1]! / block, sizes[2]! / block])];
  },
  couple: (c) => {
    const channels = Number(c.facts.shape(0)[1]);
    c.channelBlocks(Array.from({ length: Number(c.outputShape()[1]) }, (_, i) => [i % channels]));
  },
  gradient: spaceToDepth,
});

/** The middle of each listed axis, or the axis with zeros around it, so that it gets the stated size (ONNX CenterCropPad-18). */
export const CenterCropPad = defineOp({
  attrs: { axes: ints() },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const shape: Dim[] = [...c.shape(0)];
    const axes = c.attrs.axes.length === 0 ? shape.map((_, i) => i) : c.attrs.axes;
    const sizes = statedShape(c, 1);
    if (sizes.length !== axes.length)
      throw new EspalierError("input", `CenterCropPad of ${axes.length} axes needs as many sizes, got ${sizes.length}`);
    axes.forEach((axis, i) => {
      const at = normalAxis(axis, shape.length);
      staticDim(shape[at], "A cropped size");
      shape[at] = sizes[i]!;
    });
    return [typed(c.type(0).dtype, shape)];
  },
  couple: coupleCenterCropPad,
  gradient: centerCropPad,
});

/** Columns [N, C prod(block), L] summed back into images [N, C, ...image] (ONNX Col2Im-18); inputs x, image_shape, block_shape. */
export const Col2Im = defineOp({
  attrs: { dilations: ints(), pads: ints(), strides: ints() },
  inputs: [3, 3],
  kind: "movement",
  infer: (c) => {
    const x = c.ranked(0, 3);
    const image = statedShape(c, 1);
    const block = statedShape(c, 2);
    const { strides, dilations, pads } = resolveWindow(c.op, { ...c.attrs, auto_pad: "NOTSET" }, block, image);
    const positions = image.reduce((product, size, i) => {
      const extent = (block[i]! - 1) * dilations[i]! + 1;
      return product * (Math.floor((size + pads[i]! + pads[image.length + i]! - extent) / strides[i]!) + 1);
    }, 1);
    const channels = staticDim(x[1], "Channel count of Col2Im") / block.reduce((a, b) => a * b, 1);
    if (!Number.isInteger(channels) || x[2] !== positions)
      throw new EspalierError(
        "input",
        `Col2Im of ${shapeText(x)} into ${shapeText(image)} by blocks of ${shapeText(block)} needs channels that are a multiple of the block and ${positions} columns`,
      );
    return [typed(c.type(0).dtype, [x[0]!, channels, ...image])];
  },
  couple: (c) => {
    const channels = Number(c.outputShape()[1]);
    const block = Number(c.facts.shape(0)[1]) / channels;
    c.channelBlocks(Array.from({ length: channels }, (_, i) => Array.from({ length: block }, (_, j) => i * block + j)));
  },
  gradient: col2Im,
});
