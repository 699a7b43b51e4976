import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, productOf, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, ints, string } from "./attributes.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly strides: readonly number[];
}

/** A sliding window with every default resolved; pads are ONNX's [begins..., ends...]. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Resolves strides, dilations and auto_pad for a spatial input shape (ONNX Conv-11: SAME_UPPER puts the odd pixel at the end). */
export function resolveWindow(op: string, attrs: WindowAttributes, kernel: readonly number[], spatial: Shape): Window {
  const rank = kernel.length;
  const list = (
    name: string,
    given: readonly number[],
    fallback: number,
    length: number,
    least: number,
  ): readonly number[] => {
    if (given.length === 0) return new Array<number>(length).fill(fallback);
    if (given.length !== length || given.some((v) => v < least)) {
      throw new EspalierError("input", `${op} needs ${length} ${name} of at least ${least}, got ${shapeText(given)}`);
    }
    return given;
  };
  const strides = list("strides", attrs.strides, 1, rank, 1);
  const dilations = list("dilations", attrs.dilations, 1, rank, 1);
  if (attrs.auto_pad === "NOTSET" || attrs.auto_pad === "VALID") {
    const pads =
      attrs.auto_pad === "VALID" ? new Array<number>(2 * rank).fill(0) : list("pads", attrs.pads, 0, 2 * rank, 0);
    return { kernel, strides, dilations, pads };
  }
  if (attrs.auto_pad !== "SAME_UPPER" && attrs.auto_pad !== "SAME_LOWER")
    throw new EspalierError("input", `${op} has auto_pad "${attrs.auto_pad}", which ONNX does not know`);
  const pads = new Array<number>(2 * rank).fill(0);
  for (let i = 0; i < rank; i++) {
    const size = staticDim(spatial[i], `Spatial size ${i} of ${op} with auto_pad`);
    const extent = (kernel[i]! - 1) * dilations[i]! + 1;
    const total = Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size);
    const less = Math.floor(total / 2);
    pads[i] = attrs.auto_pad === "SAME_UPPER" ? less : total - less;
    pads[rank + i] = total - pads[i]!;
  }
  return { kernel, strides, dilations, pads };
}

/** Output sizes of a sliding window: floor or ceil((size + pads - extent) / stride) + 1; refuses a window that does not fit. */
export function windowOutput(op: string, window: Window, spatial: Shape, ceil = false): Dim[] {
  const rank = window.kernel.length;
  return window.kernel.map((kernel, i) => {
    const size = staticDim(spatial[i], `Spatial size ${i} of ${op}`);
    const extent = (kernel - 1) * window.dilations[i]! + 1;
    const room = size + window.pads[i]! + window.pads[rank + i]! - extent;
    if (room < 0)
      throw new EspalierError(
        "input",
        `${op} window of ${extent} is larger than its padded input of ${room + extent} on spatial axis ${i}`,
      );
    let out = Math.floor(room / window.strides[i]!) + 1;
    // ONNX MaxPool-12: a ceil-mode window must start inside the input or its left padding.
    if (ceil && room % window.strides[i]! !== 0 && out * window.strides[i]! < size + window.pads[i]!) out += 1;
    return out;
  });
}

interface ConvAttributes extends WindowAttributes {
  readonly group: number;
  readonly kernel_shape: readonly number[];
}

function convShapes(c: OpContext<ConvAttributes>): { x: Shape; w: number[]; window: Window } {
  const x = c.ranked(0, 3, 5);
  const w = c.ranked(1, x.length).map((dim, i) => staticDim(dim, `Dimension ${i} of the weight of ${c.op}`));
  const channels = staticDim(x[1], `Channel count of ${c.op}`);
  const { group } = c.attrs;
  if (group < 1 || w[1]! * group !== channels || w[0]! % group !== 0) {
    throw new EspalierError(
      "input",
      `${c.op} has ${channels} input channels, ${group} groups and a weight of shape ${shapeText(w)}: ${w[1]} x ${group} must be ${channels}, and ${w[0]} a multiple of ${group}`,
    );
  }
  if (c.attrs.kernel_shape.length > 0 && shapeText(c.attrs.kernel_shape) !== shapeText(w.slice(2))) {
    throw new EspalierError(
      "input",
      `${c.op} says kernel_shape ${shapeText(c.attrs.kernel_shape)}, its weight has ${shapeText(w.slice(2))}`,
    );
  }
  if (c.has(2) && shapeText(c.shape(2)) !== `[${w[0]}]`)
    throw new EspalierError("input", `${c.op} needs a bias of shape [${w[0]}], got ${shapeText(c.shape(2))}`);
  return { x, w, window: resolveWindow(c.op, c.attrs, w.slice(2), x.slice(2)) };
}

/** The window of a Conv whose input and weight shapes are known. */
export function convWindow(attrs: ConvAttributes, weight: Shape, input: Shape): Window {
  return resolveWindow(
    "Conv",
    attrs,
    weight.slice(2).map((dim) => staticDim(dim, "Kernel size of Conv")),
    input.slice(2),
  );
}

const convAttributes = {
  auto_pad: string("NOTSET"),
  dilations: ints(),
  group: int(1),
  kernel_shape: ints(),
  pads: ints(),
  strides: ints(),
};

export const Conv = defineOp({
  attrs: convAttributes,
  inputs: [2, 3],
  kind: "conv",
  infer: (c) => {
    const { x, w, window } = convShapes(c);
    return [typed(c.type(0).dtype, [x[0]!, w[0]!, ...windowOutput(c.op, window, x.slice(2))])];
  },
  // One MAC a weight and output position: N * Cout * Cin/group * kh * kw * Hout * Wout.
  macs: (c, [y]) => {
    const { w } = convShapes(c);
    const out = productOf(y!.shape);
    return { factor: out.factor * w.slice(1).reduce((a, b) => a * b, 1), symbols: out.symbols };
  },
  couple: "frozen",
  gradient: "not-differentiable",
});

export const ConvTranspose = defineOp({
  attrs: { ...convAttributes, output_padding: ints(), output_shape: ints() },
  inputs: [2, 3],
  kind: "conv",
  infer: (c) => {
    const x = c.ranked(0, 3, 5);
    const w = c.ranked(1, x.length).map((dim, i) => staticDim(dim, `Dimension ${i} of the weight of ConvTranspose`));
    if (c.attrs.auto_pad !== "NOTSET" || c.attrs.output_shape.length > 0) {
      throw new EspalierError("unsupported", "ConvTranspose with auto_pad or output_shape is not supported", {
        hint: "Export it with explicit pads and output_padding.",
      });
    }
    const window = resolveWindow(c.op, c.attrs, w.slice(2), x.slice(2));
    const rank = window.kernel.length;
    if (staticDim(x[1], "Channel count of ConvTranspose") !== w[0])
      throw new EspalierError(
        "input",
        `ConvTranspose has ${x[1]} input channels and a weight of shape ${shapeText(w)}`,
      );
    // ONNX ConvTranspose-11: (in - 1) * stride + output_padding + extent - pads.
    const out = window.kernel.map((kernel, i) => {
      const size = staticDim(x[2 + i], `Spatial size ${i} of ConvTranspose`);
      return (
        (size - 1) * window.strides[i]! +
        (c.attrs.output_padding[i] ?? 0) +
        (kernel - 1) * window.dilations[i]! +
        1 -
        window.pads[i]! -
        window.pads[rank + i]!
      );
    });
    return [typed(c.type(0).dtype, [x[0]!, w[1]! * c.attrs.group, ...out])];
  },
  // One MAC a weight and *input* position.
  macs: (c) => {
    const x = productOf(c.shape(0));
    const w = c
      .shape(1)
      .slice(1)
      .reduce((a: number, b) => a * (b as number), 1);
    return { factor: x.factor * w, symbols: x.symbols };
  },
  couple: "frozen",
  gradient: "not-differentiable",
});
