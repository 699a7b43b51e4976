import type { ValueId } from "../ir/index.ts";
import { shiftedProduct, shiftedProductCost } from "./gradient-conv-shift.ts";
import type { Formula } from "./gradient-formula.ts";
import { windowSlices } from "./gradient-window.ts";
import type { Window } from "./window.ts";

/** Shapes of a convolution: x [N, C, ...in], w [M, C/g, ...kernel], y [N, M, ...out]. */
export interface ConvFacts {
  readonly f: Formula;
  readonly x: ValueId;
  readonly w: ValueId;
  readonly dy: ValueId;
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly output: readonly number[];
  readonly window: Window;
  readonly group: number;
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/**
 * dw as a matrix product of dy with the windows of x (im2col), which is 2 to 4 times faster in ONNX Runtime than the same sum written as a Conv.
 * A product per image, summed over the batch, writes N M K numbers (K = inputs of one output); moving the batch into the inner axis instead
 * copies N P (M + K) numbers (P = output positions): whichever is less.
 */
export function denseWeightGradient(facts: ConvFacts): ValueId {
  const { f, x, dy, input, weight, output, window, group } = facts;
  const [batch, maps] = [input[0]!, weight[0]! / group];
  const taps = product(weight.slice(2));
  const cost = shiftedProductCost(facts);
  if (cost !== null && cost.shifted < cost.windows) return shiftedProduct(facts);
  const [inner, positions] = [weight[1]! * taps, product(output.slice(2))];
  if (group === 1 && maps * inner > positions * (maps + inner)) return batchedWeightGradient(facts);
  const columns = windowSlices(f, x, window, input.slice(2), output.slice(2));
  // Tap-major columns: [N, g, taps * C/g, P].
  const parts = columns.map((part) => f.reshape(part, [batch, group, weight[1]!, positions]));
  const stacked = parts.length === 1 ? parts[0]! : f.node("Concat", parts, { axis: 2 });
  const rows = f.reshape(dy, [batch, group, maps, positions]);
  const perImage = f.node("MatMul", [rows, f.transpose(stacked, [0, 1, 3, 2])]);
  const summed = f.sum(perImage, [0], false);
  const tapMajor = f.reshape(summed, [weight[0]!, taps, weight[1]!]);
  return f.reshape(f.transpose(tapMajor, [0, 2, 1]), weight);
}

/** One product over batch and positions together, for layers with many channels and few positions: dw = dy^T [M, N P] x columns [N P, K]. */
function batchedWeightGradient({ f, x, dy, input, weight, output, window }: ConvFacts): ValueId {
  const [batch, maps] = [input[0]!, weight[0]!];
  const taps = product(weight.slice(2));
  const positions = product(output.slice(2));
  const columns = windowSlices(f, x, window, input.slice(2), output.slice(2)).map((part) =>
    f.transpose(f.reshape(part, [batch, weight[1]!, positions]), [0, 2, 1]),
  );
  const stacked = columns.length === 1 ? columns[0]! : f.node("Concat", columns, { axis: 2 });
  const flat = f.reshape(stacked, [batch * positions, taps * weight[1]!]);
  const rows = f.reshape(f.transpose(f.reshape(dy, [batch, maps, positions]), [0, 2, 1]), [batch * positions, maps]);
  const tapMajor = f.reshape(f.node("Gemm", [rows, flat], { transA: 1 }), [maps, taps, weight[1]!]);
  return f.reshape(f.transpose(tapMajor, [0, 2, 1]), weight);
}

/**
 * dw of a depthwise convolution as one with a group for each image and channel, whose kernel is dy. Stride and dilation change places; what the last
 * stride left over is cut off. In ONNX Runtime's blocked layout (see src/runtimes) it reads x and dy once, where a sum for each tap reads them nine times.
 */
export function depthwiseWeightGradient({ f, x, dy, input, weight, output, window }: ConvFacts): ValueId {
  const [batch, channels] = [input[0]!, input[1]!];
  const rank = window.kernel.length;
  const groups = batch * channels;
  const image = f.reshape(x, [1, groups, ...input.slice(2)]);
  const kernel = f.reshape(dy, [groups, 1, ...output.slice(2)]);
  const pads = [...window.pads];
  // The Conv must give exactly `kernel` positions: trim (or extend) the padding at the end.
  for (let i = 0; i < rank; i++) {
    const extent = (output[2 + i]! - 1) * window.strides[i]! + 1;
    pads[rank + i] = (window.kernel[i]! - 1) * window.dilations[i]! + extent - input[2 + i]! - window.pads[i]!;
  }
  const cut = pads.map((pad) => Math.min(pad, 0));
  const trimmed = cut.some((pad) => pad < 0)
    ? f.node("Pad", [image, f.ints([0, 0, ...cut.slice(0, rank), 0, 0, ...cut.slice(rank)])])
    : image;
  const taps = f.node("Conv", [trimmed, kernel], {
    group: groups,
    dilations: window.strides,
    strides: window.dilations,
    pads: pads.map((pad) => Math.max(pad, 0)),
  });
  return f.reshape(f.sum(f.reshape(taps, [batch, channels, ...weight.slice(2)]), [0], false), weight);
}
