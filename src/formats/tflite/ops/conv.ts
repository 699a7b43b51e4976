import { convWindow, type Window } from "../../../ops/index.ts";
import { permute, type Tensor, tensor } from "../../../tensor/index.ts";
import { type TfliteQuantization, tfliteOptions } from "../codec/index.ts";
import { channelsLast, type Layout, physicalShape } from "../layout.ts";
import { type Border, borderOf } from "../padding.ts";
import { type QuantizedConstant, realValues, symmetricWeights, toIntegers } from "../quantization.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** A weight for an int8 kernel: int8 with zero point 0, one scale a slice of `axis` or one for all. Kept as it is when it has that form. */
export function int8Weight(
  weight: QuantizedConstant,
  axis: number,
): QuantizedConstant & { quantization: TfliteQuantization } {
  const { tensor: t, quantization } = weight;
  const fits =
    t.dtype === "int8" &&
    quantization !== undefined &&
    quantization.zeroPoints.every((point) => point === 0) &&
    (quantization.scales.length === 1 || quantization.quantizedDimension === axis);
  const stored = fits ? weight : symmetricWeights(realValues(weight), t.shape, axis);
  return stored as QuantizedConstant & { quantization: TfliteQuantization };
}

/** A weight for a step: int8 kernels take symmetric int8; float kernels take real numbers, or symmetric int8 where they are hybrid (dynamic range). */
export function stepWeight(c: StepContext, weight: QuantizedConstant, axis: number, hybrid = true): QuantizedConstant {
  if (c.int8) return int8Weight(weight, axis);
  if (weight.quantization === undefined) return weight;
  return hybrid ? int8Weight(weight, axis) : { tensor: tensor("float32", weight.tensor.shape, realValues(weight)) };
}

/** Moves a weight's axes, its quantised one with them, and gives it a new shape of the same order. */
export function moveWeight(
  weight: QuantizedConstant,
  permutation: readonly number[],
  shape: readonly number[],
  quantizedDimension: number,
): QuantizedConstant {
  const moved = permute(weight.tensor, permutation);
  const data: Tensor = tensor(moved.dtype, shape, moved.data);
  if (weight.quantization === undefined) return { tensor: data };
  const dimension = weight.quantization.scales.length === 1 ? 0 : quantizedDimension;
  return { tensor: data, quantization: { ...weight.quantization, quantizedDimension: dimension } };
}

/**
 * The bias of a contraction: float32, or int32 with scale input scale x weight scale and zero point 0 (TFLite
 * quantisation specification, CONV_2D). Zeros when the node has none and `always` is set, otherwise null.
 */
export function stepBias(
  c: StepContext,
  input: number,
  weight: QuantizedConstant,
  count: number,
  inputQuantization: TfliteQuantization | undefined,
  always: boolean,
): QuantizedConstant | null {
  const given = c.has(input) ? c.needConstant(input, "bias") : null;
  if (given === null && !always) return null;
  const values = given === null ? new Float32Array(count) : spread(realValues(given), count);
  if (!c.int8) return { tensor: tensor("float32", [count], values) };
  const weights = weight.quantization!;
  const scales = weights.scales.map((scale) => Math.fround(scale * inputQuantization!.scales[0]!));
  const quantization: TfliteQuantization = { scales, zeroPoints: scales.map(() => 0), quantizedDimension: 0 };
  if (given?.tensor.dtype === "int32" && given.tensor.data.length === count && close(given.quantization, quantization))
    return { tensor: tensor("int32", [count], given.tensor.data as Int32Array), quantization };
  return { tensor: toIntegers(values, [count], "int32", quantization), quantization };
}

function spread(values: Float32Array, count: number): Float32Array {
  return values.length === count ? values : new Float32Array(count).fill(values[0]!);
}

function close(a: TfliteQuantization | undefined, b: TfliteQuantization): boolean {
  if (a === undefined || a.zeroPoints.some((point) => point !== 0)) return false;
  return b.scales.every((scale, i) => Math.abs((a.scales[a.scales.length === 1 ? 0 : i] ?? 0) / scale - 1) < 1e-6);
}

/** Puts a PAD in front when the border is not one of TFLite's; returns the padded tensor and its physical shape. */
export function padded(c: StepContext, x: number, shape: readonly number[], border: Border, fill?: number): number {
  if (border.pads === null) return x;
  const spatial = border.pads.length === 1 ? [[0, 0] as const, border.pads[0]!] : border.pads;
  const rows = [[0, 0] as const, ...spatial, [0, 0] as const];
  const { quantization } = c.placement.assembly.describe(x);
  const out = c.temporary(
    "padded",
    shape.map((size, i) => size + rows[i]![0] + rows[i]![1]),
    quantization,
  );
  const table = c.store("pads", {
    tensor: { dtype: "int32", shape: [rows.length, 2], data: Int32Array.from(rows.flat()) },
  });
  c.note(
    "pad",
    `${c.step.op} "${c.name}" pads ${JSON.stringify(border.pads)}, which is neither SAME nor VALID: a PAD goes in front`,
  );
  if (fill === undefined) c.emit("PAD", [x, table], [out], tfliteOptions("PadOptions"));
  else {
    const value = c.int8
      ? c.store("fill", { tensor: tensor("int8", [1], Int8Array.of(fill)), quantization: quantization! })
      : c.numbers("fill", [1], [fill]);
    c.emit("PADV2", [x, table, value], [out], tfliteOptions("PadV2Options"));
  }
  return out;
}

/** A one-dimensional window as a two-dimensional one of height 1. */
export function two<T>(list: readonly T[], filler: T): readonly [T, T] {
  return list.length === 1 ? [filler, list[0]!] : [list[0]!, list[1]!];
}

function lowerConv(c: StepContext): void {
  const rank = c.shape(0).length;
  if (rank > 4)
    c.refuse(`Conv over ${rank - 2} spatial axes has no TFLite form here`, "Use one- or two-dimensional convolutions.");
  const layout = channelsLast(rank);
  const weight = c.needConstant(1, "weight");
  const [outputs, perGroup, ...kernel] = weight.tensor.shape as [number, number, ...number[]];
  const group = c.attr<number>("group");
  const depthwise = group > 1 && perGroup === 1 && group === c.shape(0)[1];
  const window = convWindow(c.step.attrs as never, weight.tensor.shape, c.shape(0));
  const border = borderOf(window, c.shape(0).slice(2), c.outShape().slice(2));

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

/** TRANSPOSE_CONV computes the input gradient of a SAME or VALID convolution: its output shape decides what is cut off. */
function lowerConvTranspose(c: StepContext): void {
  if (
    c.shape(0).length !== 4 ||
    c.attr<number>("group") !== 1 ||
    c.attr<readonly number[]>("dilations").some((d) => d !== 1)
  )
    c.refuse(
      "ConvTranspose that is grouped, dilated or not two-dimensional has no TFLite form",
      "Use a plain 2-D ConvTranspose.",
    );
  const layout: Layout = channelsLast(4);
  const weight = c.needConstant(1, "weight");
  const [inputs, outputs, kh, kw] = weight.tensor.shape as [number, number, number, number];
  const window = convWindow(c.step.attrs as never, weight.tensor.shape, c.shape(0));
  const border = borderOf(window, c.outShape().slice(2), c.shape(0).slice(2));
  if (border.pads !== null)
    c.refuse(
      `ConvTranspose with pads [${window.pads.join(", ")}] is neither SAME nor VALID in TFLite`,
      "Export it with output size = input size x stride, or without pads.",
    );
  const filter = moveWeight(stepWeight(c, weight, 1, false), [1, 2, 3, 0], [outputs, kh, kw, inputs], 0);
  const bias = stepBias(c, 2, filter, outputs, c.inQuantization(0), false);
  const shape = c.vector("shape", physicalShape(c.outShape(), layout));
  const operands = [shape, c.store("weight", filter), c.read(0, layout)];
  if (bias !== null) operands.push(c.store("bias", bias));
  const y = c.write(0, layout);
  const [strideH, strideW] = two(window.strides, 1);
  c.emit(
    "TRANSPOSE_CONV",
    operands,
    [y],
    tfliteOptions("TransposeConvOptions", { padding: border.padding, strideH, strideW }),
  );
}

export const Conv: Lowering = { lower: lowerConv, int8: true, wants: "channels-last" };
export const ConvTranspose: Lowering = { lower: lowerConvTranspose, int8: true, wants: "channels-last" };
