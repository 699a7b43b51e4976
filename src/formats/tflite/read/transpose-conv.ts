import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { toInts } from "../../../tensor/index.ts";
import type { ActivationFunctionType, Padding } from "../codec/index.ts";
import { checkWindow, padsOf, spatial } from "./conv.ts";
import { activated } from "./fused.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { biasOf, weightOf } from "./weights.ts";

interface Transposed {
  readonly input: number;
  readonly bias: number;
  readonly padding: Padding;
  readonly strides: readonly number[];
  /** Spatial sizes of the output. */
  readonly sizes: readonly number[];
  readonly activation: ActivationFunctionType;
}

/**
 * TFLite's transposed convolution is the input gradient of a SAME or VALID convolution: position o of the output gets input i
 * times tap k wherever o = i * stride - begin + k, with the pads that the convolution of the output would have. Filters lie as
 * [out, kh, kw, in].
 */
function transposedConvolution(s: Step, t: Transposed): ValueId {
  const weight = weightOf(s, 1, [3, 0, 1, 2]);
  const kernel = s.shapeOf(weight).slice(2) as number[];
  checkWindow(s, [t.strides, kernel, t.sizes]);
  const begins = padsOf(t.padding, t.sizes, kernel, t.strides, [1, 1]).slice(0, 2);
  const ends: number[] = [];
  const padding: number[] = [];
  for (const [i, size] of spatial(s, t.input).entries()) {
    const rest = (size - 1) * t.strides[i]! + kernel[i]! - begins[i]! - t.sizes[i]!;
    ends.push(Math.max(0, rest));
    padding.push(Math.max(0, -rest));
  }
  const bias = biasOf(s, t.bias, t.input, 1);
  const attrs = { kernel_shape: kernel, strides: t.strides, pads: [...begins, ...ends] };
  const x = s.real(t.input, "first");
  if (padding.every((pad, i) => pad < t.strides[i]!)) {
    const operands = bias === null ? [x, weight] : [x, weight, bias];
    return activated(s, s.node("ConvTranspose", operands, { ...attrs, output_padding: padding }), t.activation);
  }
  // Rows that no input reaches: zeros behind, and the bias after.
  const core = s.node("ConvTranspose", [x, weight], attrs);
  const padded = s.node("Pad", [core, s.longs([0, 0, 0, 0, 0, 0, ...padding])]);
  const y = bias === null ? padded : s.node("Add", [padded, s.reshape(bias, [-1, 1, 1])]);
  return activated(s, y, t.activation);
}

/** Inputs: shape of the output, filters, activations, bias. A shape that is computed is taken from the output tensor. */
function transposeConv(s: Step): void {
  const o = s.options("TransposeConvOptions");
  const stated = s.data(0);
  const shape = stated === null ? s.outTensor().shape : toInts(stated);
  if (shape.length !== 4 || s.rank(2) !== 4)
    s.fail(`TRANSPOSE_CONV has an output shape of ${shape.length} axes and an input of ${s.rank(2)}`);
  const y = transposedConvolution(s, {
    input: 2,
    bias: 3,
    padding: o.padding,
    strides: [o.strideH, o.strideW],
    sizes: shape.slice(1, 3),
    activation: o.fusedActivationFunction,
  });
  s.put(0, y, "first");
}

/**
 * MediaPipe's transposed convolution with bias: inputs activations, filters, bias. Its custom options are TfLiteTransposeConvParams as it lies
 * in memory (tensorflow/lite/c/builtin_op_data.h): padding (1 same, 2 valid), stride width, stride height, each a 32-bit integer.
 */
function transposeConvWithBias(s: Step): void {
  const raw = s.operator.customOptions;
  if (raw === undefined || raw.byteLength < 12)
    throw new EspalierError(
      "input",
      `Convolution2DTransposeBias has ${raw?.byteLength ?? 0} bytes of options, it needs 12`,
    );
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const [code, strideW, strideH] = [0, 4, 8].map((at) => view.getInt32(at, true)) as [number, number, number];
  if (code !== 1 && code !== 2)
    s.fail(`Convolution2DTransposeBias has padding ${code}, which is neither same (1) nor valid (2)`);
  const padding: Padding = code === 1 ? "SAME" : "VALID";
  const strides = [strideH, strideW];
  const kernel = [s.dim(1, 1), s.dim(1, 2)];
  // Output size as the operator computes it: input x stride, or what VALID windows reach.
  const sizes = spatial(s, 0).map((size, i) =>
    padding === "SAME" ? size * strides[i]! : (size - 1) * strides[i]! + kernel[i]!,
  );
  s.put(0, transposedConvolution(s, { input: 0, bias: 2, padding, strides, sizes, activation: "NONE" }), "first");
}

export const TRANSPOSED_CONVOLUTIONS: OperatorReaders = {
  TRANSPOSE_CONV: { read: transposeConv, gives: ["ConvTranspose", "Pad", "Add", "Reshape"] },
};

/** Custom operators that are read, by their code. */
export const CUSTOM: OperatorReaders = {
  Convolution2DTransposeBias: { read: transposeConvWithBias, gives: ["ConvTranspose"] },
};
