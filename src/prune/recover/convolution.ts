import { type Graph, type Node, valueById } from "../../ir/index.ts";
import { contextOf, resolveWindow, type Window } from "../../ops/index.ts";
import { sizeOf } from "../../tensor/index.ts";
import type { LinearForm, RowReader } from "./linear-layer.ts";

type ConvAttributes = Parameters<typeof resolveWindow>[1] & { readonly group: number };

/**
 * Conv and ConvTranspose: a feature is an input channel of the group at a kernel position, a row is a sample at an output position. The weight is
 * [outputs, channels, kernel] for Conv, [channels, outputs, kernel] for ConvTranspose.
 */
export function convolution(graph: Graph, node: Node, weight: readonly number[]): LinearForm | string {
  const transposed = node.op === "ConvTranspose";
  const attrs = contextOf(graph, node).attrs as unknown as ConvAttributes;
  const { group: groups } = attrs;
  const kernel = weight.slice(2);
  const positions = sizeOf(kernel);
  const outputs = transposed ? weight[1]! : weight[0]! / groups;
  const channels = transposed ? weight[0]! / groups : weight[1]!;
  if (
    valueById(graph, node.inputs[0]!)
      .type.shape.slice(2)
      .some((dim) => typeof dim !== "number")
  )
    return "the size of its input is not known";
  return {
    groups,
    features: channels * positions,
    outputs,
    scale: 1,
    axis: 1,
    place: (group, feature, output) => {
      const channel = Math.floor(feature / positions);
      const position = feature % positions;
      return transposed
        ? ((group * channels + channel) * outputs + output) * positions + position
        : ((group * outputs + output) * channels + channel) * positions + position;
    },
    reader: (x, y) => {
      const window = resolveWindow(node.op, attrs, kernel, x.slice(2));
      return windowReader({ x, y, window, groups, channels, outputs, transposed });
    },
  };
}

interface Layout {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly window: Window;
  readonly groups: number;
  readonly channels: number;
  readonly outputs: number;
  readonly transposed: boolean;
}

function windowReader({ x, y, window, groups, channels, outputs, transposed }: Layout): RowReader {
  const [inputSize, outputSize] = [sizeOf(x.slice(2)), sizeOf(y.slice(2))];
  const { kernel } = window;
  const kernelAt = indices(kernel);
  // Where each kernel position falls in a channel of the input; -1 on padding.
  const offsets = new Int32Array(kernelAt.length);
  const outputAt = indices(y.slice(2));
  let sample = 0;
  let position = 0;
  return {
    rows: y[0]! * outputSize,
    seek: (row) => {
      sample = Math.floor(row / outputSize);
      position = row % outputSize;
      for (let k = 0; k < offsets.length; k++)
        offsets[k] = inputOffset(outputAt[position]!, kernelAt[k]!, x, window, transposed);
    },
    features: (values, group, into, at) => {
      let to = at;
      for (let c = 0; c < channels; c++) {
        const from = (sample * groups * channels + group * channels + c) * inputSize;
        for (let k = 0; k < offsets.length; k++) into[to++] = offsets[k]! < 0 ? 0 : values[from + offsets[k]!]!;
      }
    },
    outputs: (values, group, into, at) => {
      for (let o = 0; o < outputs; o++)
        into[at + o] = values[((sample * groups + group) * outputs + o) * outputSize + position]!;
    },
  };
}

/** All indices of a shape, row-major. */
function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    let rest = flat;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return index;
  });
}

/**
 * ONNX Conv-11: input = output x stride + kernel x dilation - pad. ConvTranspose-11 is the other way about: output = input x stride + kernel x dilation - pad,
 * so that only outputs that fall on a multiple of the stride read anything through a kernel position.
 */
function inputOffset(
  output: readonly number[],
  kernel: readonly number[],
  x: readonly number[],
  { strides, dilations, pads }: Window,
  transposed: boolean,
): number {
  let offset = 0;
  for (let axis = 0; axis < output.length; axis++) {
    let at = transposed
      ? output[axis]! + pads[axis]! - kernel[axis]! * dilations[axis]!
      : output[axis]! * strides[axis]! + kernel[axis]! * dilations[axis]! - pads[axis]!;
    if (transposed) {
      if (at % strides[axis]! !== 0) return -1;
      at /= strides[axis]!;
    }
    const size = x[2 + axis]!;
    if (at < 0 || at >= size) return -1;
    offset = offset * size + at;
  }
  return offset;
}
