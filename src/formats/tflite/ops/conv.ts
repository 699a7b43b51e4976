import { convWindow, type Window } from "../../../ops/index.ts";
import { allocate, type Tensor, type TypedArray, tensor } from "../../../tensor/index.ts";
import { padded, two } from "../border.ts";
import { tfliteOptions } from "../codec/index.ts";
import { moveWeight, stepBias, stepWeight } from "../contraction.ts";
import { channelsLast, type Layout, physicalShape } from "../layout.ts";
import { type Border, borderOf, growthOf } from "../padding.ts";
import type { QuantizedConstant } from "../quantization.ts";
import type { Lowering, StepContext } from "../step-context.ts";

function lowerConv(c: StepContext): void {
  const rank = c.shape(0).length;
  if (rank > 4)
    c.refuse(`Conv over ${rank - 2} spatial axes has no TFLite form here`, "Use one- or two-dimensional convolutions.");
  const layout = channelsLast(rank);
  const { weight, window, border } = geometryOf(c);
  const [outputs, perGroup, ...kernel] = weight.tensor.shape as [number, number, ...number[]];
  const group = c.attr<number>("group");
  const depthwise = group > 1 && perGroup === 1 && group === c.shape(0)[1];

  const axes = [2, 3].slice(0, kernel.length);
  const [kh, kw] = two(kernel, 1);
  const filter = depthwise
    ? moveWeight(stepWeight(c, weight, 0), [1, ...axes, 0], [1, kh, kw, outputs], 3)
    : moveWeight(stepWeight(c, weight, 0), [0, ...axes, 1], [outputs, kh, kw, perGroup], 0);
  const bias = stepBias(c, 2, filter, outputs, c.inQuantization(0), true)!;

  const x = padded(c, c.read(0, layout), c.physical(0, layout), border);
  const operands = [x, c.store("weight", filter), c.store("bias", bias)];
  const y = c.write(0, layout);
  const options = windowOptions(c, window, border);
  if (depthwise) {
    const fields = { ...options, depthMultiplier: outputs / group };
    c.emit("DEPTHWISE_CONV_2D", operands, [y], tfliteOptions("DepthwiseConv2DOptions", fields));
  } else c.emit("CONV_2D", operands, [y], tfliteOptions("Conv2DOptions", options));
}

interface Geometry {
  readonly weight: QuantizedConstant;
  readonly window: Window;
  readonly border: Border;
}

/** Weight, window and border; where the border is not TFLite's own and the settings say so, with a kernel grown by zeros. */
function geometryOf(c: StepContext): Geometry {
  const weight = c.needConstant(1, "weight");
  const window = convWindow(c.step.attrs as never, weight.tensor.shape, c.shape(0));
  const sizes = c.shape(0).slice(2);
  const outputs = c.outShape().slice(2);
  const border = borderOf(window, sizes, outputs);
  const growth = border.pads !== null && c.settings.border === "grow" ? growthOf(window, sizes, outputs) : null;
  if (growth === null) return { weight, window, border };
  c.note(
    "pad",
    `${c.step.op} "${c.name}" gets ${JSON.stringify(growth)} rows of zeros in its kernel, so that SAME pads as it does`,
  );
  return {
    weight: { ...weight, tensor: withZeros(weight.tensor, growth) },
    window: { ...window, kernel: window.kernel.map((size, i) => size + growth[i]!) },
    border: { padding: "SAME", pads: null },
  };
}

/** A weight [O, I, ...kernel] with zeros behind each kernel axis (zero is exact: weights have zero point 0). */
function withZeros(t: Tensor, growth: readonly number[]): Tensor {
  const kernel = t.shape.slice(2);
  const larger = kernel.map((size, i) => size + growth[i]!);
  const inner = kernel.at(-1)!;
  const rows = kernel.length === 2 ? kernel[0]! : 1;
  const area = larger.reduce((a, b) => a * b, 1);
  const filters = t.shape[0]! * t.shape[1]!;
  const data = allocate(t.dtype, filters * area);
  const source = t.data as TypedArray;
  for (let filter = 0; filter < filters; filter++)
    for (let row = 0; row < rows; row++) {
      const from = (filter * rows + row) * inner;
      (data as TypedArray).set(source.subarray(from, from + inner) as never, filter * area + row * larger.at(-1)!);
    }
  return tensor(t.dtype, [...t.shape.slice(0, 2), ...larger], data);
}

function windowOptions(c: StepContext, window: Window, border: Border) {
  const [strideH, strideW] = two(window.strides, 1);
  const [dilationHFactor, dilationWFactor] = two(window.dilations, 1);
  return {
    padding: border.padding,
    strideH,
    strideW,
    dilationHFactor,
    dilationWFactor,
    fusedActivationFunction: c.step.activation,
  };
}

/**
 * TRANSPOSE_CONV computes the input gradient of a SAME or VALID convolution: its output shape decides what is cut off.
 * Groups, dilations and other pads were written in its terms before (legalise/conv-transpose.ts).
 */
function lowerConvTranspose(c: StepContext): void {
  const rank = c.shape(0).length;
  const weight = c.needConstant(1, "weight");
  const [inputs, outputs, ...kernel] = weight.tensor.shape as [number, number, ...number[]];
  const window = convWindow(c.step.attrs as never, weight.tensor.shape, c.shape(0));
  if (rank > 4 || c.attr<number>("group") !== 1 || window.dilations.some((d) => d !== 1))
    c.refuse(
      `ConvTranspose over ${rank - 2} axes with ${c.attr<number>("group")} groups and dilations [${window.dilations.join(", ")}] has no TFLite form`,
      "Use a plain one- or two-dimensional ConvTranspose.",
    );
  const layout: Layout = channelsLast(rank);
  const border = borderOf(window, c.outShape().slice(2), c.shape(0).slice(2));
  if (border.pads !== null)
    c.refuse(
      `ConvTranspose with pads [${window.pads.join(", ")}] is neither SAME nor VALID in TFLite`,
      "Export it with output size = input size x stride, or without pads.",
    );
  const [kh, kw] = two(kernel, 1);
  const axes = [2, 3].slice(0, kernel.length);
  const filter = moveWeight(stepWeight(c, weight, 1, false), [1, ...axes, 0], [outputs, kh, kw, inputs], 0);
  const bias = stepBias(c, 2, filter, outputs, c.inQuantization(0), false);
  const shape = c.vector("shape", physicalShape(c.outShape(), layout));
  const operands = [shape, c.store("weight", filter), c.read(0, layout)];
  if (bias !== null) operands.push(c.store("bias", bias));
  const y = c.write(0, layout);
  const [strideH, strideW] = two(window.strides, 1);
  const fields = { padding: border.padding, strideH, strideW };
  c.emit("TRANSPOSE_CONV", operands, [y], tfliteOptions("TransposeConvOptions", fields));
}

export const Conv: Lowering = { lower: lowerConv, int8: true, int16: true, wants: "channels-last" };
export const ConvTranspose: Lowering = { lower: lowerConvTranspose, int8: true, int16: true, wants: "channels-last" };
