import type { Attributes, Node } from "../ir/index.ts";
import { completeAttributes, OPS, resolvePads, resolveWindow } from "../ops/index.ts";
import { definePass, type GraphView, replaceBy, rule } from "../rewrite/index.ts";
import { int64s, toNumbers } from "../tensor/index.ts";

interface ZeroPad {
  readonly node: Node;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** The node that pads an input with zeros, growing it on every side or leaving it; null when another node computes it. */
function zeroPad(view: GraphView, node: Node): ZeroPad | null {
  const pad = view.producer(node.inputs[0]);
  if (pad?.op !== "Pad" || (pad.attrs.mode ?? "constant") !== "constant") return null;
  const value = pad.inputs[2] ?? null;
  if (value !== null) {
    const fill = view.constant(value);
    if (fill === null || toNumbers(fill)[0] !== 0) return null;
  }
  const { begins, ends } = resolvePads(view.context(pad));
  return [...begins, ...ends].every((side) => side >= 0) ? { node: pad, begins, ends } : null;
}

/** The pad as spatial [begins..., ends...]; null when it grows the batch or the channels. */
function spatialPads({ begins, ends }: ZeroPad): number[] | null {
  const outer = [begins[0], begins[1], ends[0], ends[1]];
  return outer.every((side) => side === 0) ? [...begins.slice(2), ...ends.slice(2)] : null;
}

function withPads(node: Node, old: readonly number[], more: readonly number[], extra: Attributes = {}): Attributes {
  const { auto_pad: _, ...rest } = node.attrs;
  return { ...rest, ...extra, pads: old.map((side, i) => side + more[i]!) };
}

const padIntoConv = rule("pad-into-conv", ["Conv"], (node, view) => {
  const pad = zeroPad(view, node);
  const more = pad === null ? null : spatialPads(pad);
  if (pad === null || more === null) return null;
  const attrs = completeAttributes("Conv", OPS.Conv.attrs, node.attrs);
  const kernel = view.type(node.inputs[1]!).shape.slice(2) as number[];
  const { pads } = resolveWindow("Conv", attrs, kernel, view.type(node.inputs[0]!).shape.slice(2));
  return replaceBy(view, node, (p) =>
    p.node("Conv", [pad.node.inputs[0]!, ...node.inputs.slice(1)], withPads(node, pads, more), { name: node.name }),
  );
});

const padIntoPool = rule("pad-into-average-pool", ["AveragePool"], (node, view) => {
  const pad = zeroPad(view, node);
  const more = pad === null ? null : spatialPads(pad);
  if (pad === null || more === null) return null;
  const attrs = completeAttributes("AveragePool", OPS.AveragePool.attrs, node.attrs);
  const { pads, kernel } = resolveWindow(
    "AveragePool",
    attrs,
    attrs.kernel_shape,
    view.type(node.inputs[0]!).shape.slice(2),
  );
  // The zeros count as elements: so must the pool's own padding, if it has any. In ceil mode the two disagree on windows that leave the input.
  const countsOwn = attrs.count_include_pad === 1 || pads.every((side) => side === 0);
  const sides = pads.map((side, i) => side + more[i]!);
  // ONNX Runtime refuses a pool whose padding reaches the kernel's size.
  if (!countsOwn || attrs.ceil_mode !== 0 || sides.some((side, i) => side >= kernel[i % kernel.length]!)) return null;
  return replaceBy(view, node, (p) =>
    p.node("AveragePool", [pad.node.inputs[0]!], withPads(node, pads, more, { count_include_pad: 1 }), {
      name: node.name,
    }),
  );
});

const padIntoPad = rule("pad-into-pad", ["Pad"], (node, view) => {
  const inner = zeroPad(view, node);
  if (inner === null || (node.attrs.mode ?? "constant") !== "constant") return null;
  const fill = view.constant(node.inputs[2]);
  if ((node.inputs[2] ?? null) !== null && (fill === null || toNumbers(fill)[0] !== 0)) return null;
  const { begins, ends } = resolvePads(view.context(node));
  if ([...begins, ...ends].some((side) => side < 0)) return null;
  const sides = [...begins.map((side, i) => side + inner.begins[i]!), ...ends.map((side, i) => side + inner.ends[i]!)];
  return replaceBy(view, node, (p) => {
    const pads = p.constant(`${node.name}.pads`, int64s(sides));
    return p.node("Pad", [inner.node.inputs[0]!, pads], {}, { name: node.name });
  });
});

export const mergePads = definePass({
  name: "merge-pads",
  summary: "Merges padding with zeros into the convolution, average pooling or padding that reads it.",
  details:
    "Average pooling then counts its padding. A pad in ceil mode, beyond the pooling window, over batch or channels, or with another value stays. Outputs agree to float rounding.",
  example: {
    before: `graph "g" {
  input %"x": float32[N, 1, 4, 4]
  const %"pads" = int64[8] {0, 0, 1, 1, 0, 0, 1, 1}
  %"p": float32[N, 1, 6, 6] = Pad(%"x", %"pads") @"pad"
  const %"w" = float32[1, 1, 3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9}
  %"y": float32[N, 1, 2, 2] = Conv(%"p", %"w") {strides=[2, 2]} @"conv"
  return %"y"
}
`,
    after: `graph "g" {
  input %"x": float32[N, 1, 4, 4]
  const %"w" = float32[1, 1, 3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9}
  %"y": float32[N, 1, 2, 2] = Conv(%"x", %"w") {pads=[1, 1, 1, 1], strides=[2, 2]} @"conv"
  return %"y"
}
`,
  },
  rules: [padIntoConv, padIntoPool, padIntoPad],
});
