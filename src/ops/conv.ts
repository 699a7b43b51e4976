import { EspalierError } from "../diagnostics/index.ts";
import { productOf, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, ints, string } from "./attributes.ts";
import { coupleConv, coupleConvTranspose } from "./coupling-conv.ts";
import * as gradient from "./gradient-conv.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";
import { resolveWindow, type Window, type WindowAttributes, windowOutput } from "./window.ts";

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
  couple: coupleConv,
  gradient: gradient.conv,
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
    const { group } = c.attrs;
    if (staticDim(x[1], "Channel count of ConvTranspose") !== w[0] || group < 1 || w[0]! % group !== 0)
      throw new EspalierError(
        "input",
        `ConvTranspose has ${x[1]} input channels, ${group} groups and a weight of shape ${shapeText(w)}: ${w[0]} must be the channels, and a multiple of the groups`,
      );
    if (c.has(2) && shapeText(c.shape(2)) !== `[${w[1]! * group}]`)
      throw new EspalierError(
        "input",
        `ConvTranspose needs a bias of shape [${w[1]! * group}], got ${shapeText(c.shape(2))}`,
      );
    if (c.attrs.output_padding.some((pad, i) => pad < 0 || pad >= Math.max(window.strides[i]!, window.dilations[i]!)))
      throw new EspalierError(
        "input",
        `ConvTranspose has output_padding ${shapeText(c.attrs.output_padding)}: each must be at least 0 and below stride or dilation`,
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
  couple: coupleConvTranspose,
  gradient: gradient.convTranspose,
});
