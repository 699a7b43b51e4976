import type { Attributes } from "../../../src/ir/index.ts";
import type { Random } from "../../../src/tensor/index.ts";
import { between, type Draw, filled, flip, pick } from "./infer-draw.ts";

/** A random sliding window over 1 to 3 spatial axes that fits its input. */
interface DrawnWindow {
  readonly spatial: readonly number[];
  readonly kernel: readonly number[];
  readonly attrs: Attributes;
}

function drawWindow(r: Random): DrawnWindow {
  const rank = between(r, 1, 3);
  const list = (low: number, high: number) => Array.from({ length: rank }, () => between(r, low, high));
  const kernel = list(1, 3);
  const auto_pad = pick(r, ["NOTSET", "NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]);
  // ONNX Runtime refuses, or miscounts, dilation under SAME padding.
  const dilations = flip(r) && !auto_pad.startsWith("SAME") ? list(1, 2) : kernel.map(() => 1);
  const spatial = kernel.map((k, i) => (k - 1) * dilations[i]! + between(r, 1, 6));
  const attrs: Record<string, readonly number[] | string> = {};
  // Under SAME padding ONNX Runtime refuses a pool whose stride is longer than its window.
  if (flip(r)) attrs.strides = auto_pad.startsWith("SAME") ? kernel.map((k) => between(r, 1, k)) : list(1, 3);
  if (dilations.some((d) => d > 1) || flip(r)) attrs.dilations = dilations;
  if (auto_pad !== "NOTSET") attrs.auto_pad = auto_pad;
  // ONNX Runtime wants the padding of a pool smaller than its kernel.
  else if (flip(r)) attrs.pads = [...kernel, ...kernel].map((k) => between(r, 0, k - 1));
  return { spatial, kernel, attrs };
}

const pool =
  (extra: (r: Random) => Attributes): Draw =>
  (r) => {
    const { spatial, kernel, attrs } = drawWindow(r);
    const x = filled(r, [between(r, 1, 3), between(r, 1, 3), ...spatial]);
    // SAME padding is defined on the ceiling already, and the runtime leaves it so in floor mode only.
    const ceil_mode = attrs.auto_pad === undefined ? r.below(2) : 0;
    return { inputs: [x], attrs: { ...attrs, kernel_shape: kernel, ceil_mode, ...extra(r) } };
  };

const globalPool: Draw = (r) => ({
  inputs: [
    filled(
      r,
      Array.from({ length: between(r, 3, 5) }, () => between(r, 1, 4)),
    ),
  ],
  attrs: {},
});

const conv: Draw = (r) => {
  const { spatial, kernel, attrs } = drawWindow(r);
  const group = between(r, 1, 3);
  const [inner, outer] = [between(r, 1, 3), between(r, 1, 3)];
  const inputs = [
    filled(r, [between(r, 1, 3), group * inner, ...spatial]),
    filled(r, [group * outer, inner, ...kernel]),
    ...(flip(r) ? [filled(r, [group * outer])] : []),
  ];
  return { inputs, attrs: { ...attrs, group, ...(flip(r) ? { kernel_shape: kernel } : {}) } };
};

const convTranspose: Draw = (r) => {
  const { spatial, kernel, attrs: drawn } = drawWindow(r);
  const { auto_pad: _, ...attrs } = drawn;
  const strides = (attrs.strides as readonly number[] | undefined) ?? kernel.map(() => 1);
  const group = between(r, 1, 2);
  const [inner, outer] = [between(r, 1, 3), between(r, 1, 3)];
  const inputs = [
    filled(r, [between(r, 1, 3), group * inner, ...spatial]),
    filled(r, [group * inner, outer, ...kernel]),
    ...(flip(r) ? [filled(r, [group * outer])] : []),
  ];
  const output_padding = strides.map((stride) => between(r, 0, stride - 1));
  return { inputs, attrs: { ...attrs, group, ...(flip(r) ? { output_padding } : {}) } };
};

/** Problems of the operators with sliding windows. */
export const windowProblems = {
  MaxPool: pool(() => ({})),
  AveragePool: pool((r) => ({ count_include_pad: r.below(2) })),
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  LpPool: pool((r) => ({ p: between(r, 1, 3) })),
  GlobalLpPool: (r) => ({ ...globalPool(r), attrs: { p: between(r, 1, 3) } }),
  Conv: conv,
  ConvTranspose: convTranspose,
} satisfies Record<string, Draw>;
