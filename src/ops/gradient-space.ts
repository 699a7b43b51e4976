import { formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

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
