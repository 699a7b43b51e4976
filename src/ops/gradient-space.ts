import { toInts } from "../tensor/index.ts";
import { formulaOf } from "./gradient-formula.ts";
import { windowSlices } from "./gradient-window.ts";
import type { GradientRule } from "./spec.ts";
import { resolveWindow, type WindowAttributes, windowOutput } from "./window.ts";

/** Back to depth; mode CRD has the block's axes after the channel, where SpaceToDepth puts them before. */
export const depthToSpace: GradientRule<{ readonly blocksize: number; readonly mode: string }> = (c) => {
  const f = formulaOf(c);
  const { blocksize, mode } = c.attrs;
  const dx = f.node("SpaceToDepth", [c.outputGradients[0]!], { blocksize });
  if (mode === "DCR") return [dx];
  const [n, channels, h, w] = f.shape(dx) as [number, number, number, number];
  const split = f.reshape(dx, [n, blocksize, blocksize, channels / blocksize ** 2, h, w]);
  return [f.reshape(f.transpose(split, [0, 3, 1, 2, 4, 5]), [n, channels, h, w])];
};

export const spaceToDepth: GradientRule<{ readonly blocksize: number }> = (c) => [
  formulaOf(c).node("DepthToSpace", [c.outputGradients[0]!], { blocksize: c.attrs.blocksize, mode: "DCR" }),
];

/** The windows of the gradient, laid out as the columns were: [N, C prod(block), positions]. */
export const col2Im: GradientRule<Omit<WindowAttributes, "auto_pad">> = (c) => {
  if (!c.wants(0)) return [null, null, null];
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const [batch, channels, ...image] = f.shape(dy) as [number, number, ...number[]];
  const block = toInts(c.builder.value(c.inputs[2]!).data!);
  const window = resolveWindow("Col2Im", { ...c.attrs, auto_pad: "NOTSET" }, block, image);
  const positions = windowOutput("Col2Im", window, image) as number[];
  const count = positions.reduce((a, b) => a * b, 1);
  const taps = windowSlices(f, dy, window, image, positions).map((tap) => f.reshape(tap, [batch, channels, 1, count]));
  const stacked = taps.length === 1 ? taps[0]! : f.node("Concat", taps, { axis: 2 });
  return [f.reshape(stacked, f.shape(c.inputs[0]!)), null, null];
};
