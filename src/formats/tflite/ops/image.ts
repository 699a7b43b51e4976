import { contextOf, type ResizeAttributes, resizedAxes } from "../../../ops/index.ts";
import { tfliteOptions } from "../codec/index.ts";
import { channelsLast, physicalShape } from "../layout.ts";
import { resizeKernel } from "../resize.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** Modes that the kernels do not have were composed of others before (legalise/resize.ts). */
function lowerResize(c: StepContext): void {
  const attrs = c.step.attrs as unknown as ResizeAttributes;
  const axes = resizedAxes(contextOf(c.placement.plan.graph, c.step.node) as never);
  const layout = channelsLast(c.shape(0).length);
  const nearest = attrs.mode === "nearest";
  const flags = resizeKernel(attrs, axes, c.shape(0).length);
  if (flags === null) c.refuse(`Resize in mode ${attrs.mode} has no TFLite kernel of its own`, "Use another mode.");
  const x = c.read(0, layout, c.int8 ? c.outQuantization() : undefined);
  const [, height, width] = physicalShape(c.outShape(), layout) as [number, number, number];
  const size = c.vector("size", [height, width]);
  const y = c.write(0, layout);
  if (nearest) c.emit("RESIZE_NEAREST_NEIGHBOR", [x, size], [y], tfliteOptions("ResizeNearestNeighborOptions", flags));
  else c.emit("RESIZE_BILINEAR", [x, size], [y], tfliteOptions("ResizeBilinearOptions", flags));
}

/** Depth to space in ONNX's mode DCR is TensorFlow's. */
function lowerDepthToSpace(c: StepContext): void {
  const layout = channelsLast(4);
  const x = c.read(0, layout, c.int8 ? c.outQuantization() : undefined);
  const blockSize = c.attr<number>("blocksize");
  c.emit("DEPTH_TO_SPACE", [x], [c.write(0, layout)], tfliteOptions("DepthToSpaceOptions", { blockSize }));
}

function lowerSpaceToDepth(c: StepContext): void {
  const layout = channelsLast(4);
  const x = c.read(0, layout, c.int8 ? c.outQuantization() : undefined);
  const blockSize = c.attr<number>("blocksize");
  c.emit("SPACE_TO_DEPTH", [x], [c.write(0, layout)], tfliteOptions("SpaceToDepthOptions", { blockSize }));
}

/** x / (bias + alpha / size * sum of squares)^beta: TensorFlow states alpha for each element and the window by its radius. */
function lowerLocalResponse(c: StepContext): void {
  const size = c.attr<number>("size");
  if (size % 2 === 0 || c.shape(0).length !== 4)
    c.refuse(
      `LRN over ${size} channels of rank ${c.shape(0).length} has no TFLite form`,
      "Use images and an odd size.",
    );
  const layout = channelsLast(4);
  const x = c.read(0, layout);
  const fields = {
    radius: (size - 1) / 2,
    bias: c.attr<number>("bias"),
    alpha: c.attr<number>("alpha") / size,
    beta: c.attr<number>("beta"),
  };
  c.emit(
    "LOCAL_RESPONSE_NORMALIZATION",
    [x],
    [c.write(0, layout)],
    tfliteOptions("LocalResponseNormalizationOptions", fields),
  );
}

export const Resize: Lowering = { lower: lowerResize, int8: true, int16: true, wants: "channels-last" };
export const DepthToSpace: Lowering = { lower: lowerDepthToSpace, int8: true, wants: "channels-last" };
export const SpaceToDepth: Lowering = { lower: lowerSpaceToDepth, int8: true, wants: "channels-last" };
export const LRN: Lowering = { lower: lowerLocalResponse, int8: false, wants: "channels-last" };
