import type { ValueId } from "../../../ir/index.ts";
import { convWindow } from "../../../ops/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { allocate, sizeOf, type Tensor, type TypedArray, tensor } from "../../../tensor/index.ts";
import { borderOf } from "../padding.ts";
import { asQuantizedOutput, type Composer, composition, type StoredWeight, storedWeight } from "./compose.ts";

/** Bytes up to which a grouped weight is written out with zeros between the groups; above, each group is an operator of its own. */
const denseBytes = 1 << 20;

/** Taps `dilation` apart with zeros between them. */
function dilated(weight: Tensor, dilations: readonly number[]): Tensor {
  const kernel = weight.shape.slice(2);
  const larger = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
  const pairs = weight.shape[0]! * weight.shape[1]!;
  const area = sizeOf(larger);
  const data = allocate(weight.dtype, pairs * area);
  const source = weight.data as TypedArray;
  for (let pair = 0; pair < pairs; pair++)
    for (let i = 0; i < sizeOf(kernel); i++) {
      let rest = i;
      let at = 0;
      let step = 1;
      for (let axis = kernel.length - 1; axis >= 0; axis--) {
        at += (rest % kernel[axis]!) * dilations[axis]! * step;
        step *= larger[axis]!;
        rest = Math.floor(rest / kernel[axis]!);
      }
      data[pair * area + at] = source[pair * sizeOf(kernel) + i] as never;
    }
  return tensor(weight.dtype, [...weight.shape.slice(0, 2), ...larger], data);
}

/** [inputs, outputs / group, ...] as [inputs, outputs, ...] with zeros where input and output are in different groups. */
function ungrouped(weight: Tensor, group: number): Tensor {
  const [inputs, each, ...kernel] = weight.shape as [number, number, ...number[]];
  const area = sizeOf(kernel);
  const data = allocate(weight.dtype, inputs * each * group * area);
  for (let i = 0; i < inputs; i++) {
    const own = Math.floor(i / (inputs / group));
    const row = (weight.data as TypedArray).subarray(i * each * area, (i + 1) * each * area);
    (data as TypedArray).set(row as never, (i * group + own) * each * area);
  }
  return tensor(weight.dtype, [inputs, each * group, ...kernel], data);
}

interface Plain {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly outputPadding: readonly number[];
}

function deconv(c: Composer, inputs: readonly (ValueId | null)[], kernel: readonly number[], plain: Plain): ValueId {
  return c.op("ConvTranspose", inputs, {
    auto_pad: "NOTSET",
    dilations: kernel.map(() => 1),
    group: 1,
    kernel_shape: kernel,
    output_padding: plain.outputPadding,
    output_shape: [],
    pads: plain.pads,
    strides: plain.strides,
  });
}

/** Groups and dilations, which TRANSPOSE_CONV does not have, are written into the weights. */
const plainWeight = composition("plain-conv-transpose", "ConvTranspose", (c) => {
  const weight = storedWeight(c, 1);
  if (weight === null) return null;
  const group = c.attrs.group as number;
  const window = convWindow(c.view.context(c.node).attrs as never, weight.tensor.shape, c.shape(c.in(0)));
  const straight = window.dilations.every((d) => d === 1);
  if (group === 1 && straight) return null;
  const grown = straight ? weight.tensor : dilated(weight.tensor, window.dilations);
  const plain = { strides: window.strides, pads: window.pads, outputPadding: outputPadding(c, grown, window) };
  const bias = c.has(2) ? [c.in(2)] : [];
  const kernel = grown.shape.slice(2);
  if (group === 1 || 4 * grown.data.length * group <= denseBytes) {
    const dense = group === 1 ? weight.put(grown) : weight.put(ungrouped(grown, group), group);
    return deconv(c, [c.in(0), dense, ...bias], kernel, plain);
  }
  return perGroup(c, weight, grown, plain);
});

function perGroup(c: Composer, weight: StoredWeight, grown: Tensor, plain: Plain): ValueId {
  const group = c.attrs.group as number;
  const each = grown.shape[1]!;
  const size = grown.shape[0]! / group;
  const count = grown.data.length / group;
  const split = (x: ValueId, part: number, axis: number) =>
    c.ops("Split", [x, c.ints(new Array<number>(group).fill(part))], { axis }, group);
  const parts = split(c.in(0), size, 1);
  const biases = c.has(2) ? split(c.in(2), each, 0) : [];
  const made = parts.map((part, g) => {
    const data = (grown.data as TypedArray).subarray(g * count, (g + 1) * count);
    const own = tensor(grown.dtype, [size, ...grown.shape.slice(1)], data as never);
    const kernel = own.shape.slice(2);
    const y = deconv(c, [part, weight.put(own)], kernel, plain);
    const bias = biases[g];
    return bias === undefined ? y : c.op("Add", [y, c.reshape(bias, [1, each, ...kernel.map(() => 1)])]);
  });
  return c.op("Concat", made, { axis: 1 });
}

interface Resolved {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

/** What is left of the output's size after strides, kernel and pads. */
function outputPadding(c: Composer, weight: Tensor, window: Resolved): number[] {
  const inputs = c.shape(c.in(0)).slice(2);
  const outputs = c.shape(c.node.outputs[0]!).slice(2);
  return inputs.map((size, i) => {
    const whole = (size - 1) * window.strides[i]! + weight.shape[2 + i]!;
    return outputs[i]! - (whole - window.pads[i]! - window.pads[inputs.length + i]!);
  });
}

/**
 * Pads that are neither SAME nor VALID in TensorFlow's sense cut rows and columns off the unpadded (VALID) result; output
 * padding beyond it adds some that hold the bias alone.
 */
const cropped = composition("conv-transpose-then-slice", "ConvTranspose", (c) => {
  const stored = storedWeight(c, 1);
  if (stored === null || c.attrs.group !== 1) return null;
  const weight = stored.tensor;
  const inputs = c.shape(c.in(0)).slice(2);
  const outputs = c.shape(c.node.outputs[0]!).slice(2);
  const window = convWindow(c.view.context(c.node).attrs as never, weight.shape, c.shape(c.in(0)));
  if (window.dilations.some((d) => d !== 1)) return null;
  if (borderOf(window, outputs, inputs).pads === null) return null;
  const none = inputs.map(() => 0);
  const plain = { strides: window.strides, pads: [...none, ...none], outputPadding: none };
  const full = inputs.map((size, i) => (size - 1) * window.strides[i]! + weight.shape[2 + i]!);
  const missing = inputs.map((_, i) => Math.max(0, window.pads[i]! + outputs[i]! - full[i]!));
  const beyond = missing.some((size) => size > 0);
  let y = deconv(c, beyond ? [c.in(0), c.in(1)] : c.node.inputs, weight.shape.slice(2), plain);
  if (!beyond) y = asQuantizedOutput(c, y);
  const axes = inputs.map((_, i) => 2 + i);
  if (beyond) y = c.op("Pad", [y, c.ints([0, 0, ...none, 0, 0, ...missing])], { mode: "constant" });
  const starts = window.pads.slice(0, inputs.length);
  y = c.op("Slice", [y, c.ints(starts), c.ints(starts.map((start, i) => start + outputs[i]!)), c.ints(axes)]);
  if (!beyond || !c.has(2)) return y;
  return c.op("Add", [y, c.reshape(c.in(2), [1, weight.shape[1]!, ...none.map(() => 1)])]);
});

/** Transposed convolutions in TensorFlow's plain form. */
export const convTransposeRules: readonly Rule[] = [plainWeight, cropped];
