import { compact, identityLayout, type Layout } from "./layout.ts";

/** Axes of the two sides of a reshape that hold the same elements, and no smaller set does. Axes of size 1 belong to none. */
export interface Block {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Splits a reshape into its independent blocks: [N, C, H, W] -> [N, g, c, H, W] has (N|N), (C|g,c), (H|H), (W|W). */
export function reshapeBlocks(from: readonly number[], to: readonly number[]): Block[] {
  const blocks: Block[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    if (from[i] === 1) i++;
    else if (to[j] === 1) j++;
    else if (i >= from.length || j >= to.length) break;
    else {
      const block = { from: [i], to: [j] };
      let left = from[i++]!;
      let right = to[j++]!;
      while (left !== right) {
        if (left < right) {
          if (from[i] !== 1) block.from.push(i);
          left *= from[i++]!;
        } else {
          if (to[j] !== 1) block.to.push(j);
          right *= to[j++]!;
        }
      }
      blocks.push(block);
    }
  }
  return blocks;
}

/** How a reshape runs on laid-out tensors: bring the input into `input`, reshape, and the output is in `output`. */
export interface ReshapePlan {
  readonly input: Layout;
  readonly output: Layout;
}

/**
 * Chooses layouts for a reshape. The input stays as it is when every block's axes lie together in order; otherwise it is
 * moved to the order that `wanted` (the readers' layout of the output) asks for, or to the value's own order.
 */
export function planReshape(
  fromShape: readonly number[],
  toShape: readonly number[],
  now: Layout,
  wanted: Layout,
): ReshapePlan {
  const blocks = reshapeBlocks(fromShape, toShape);
  const moving = compact(now).filter((axis) => fromShape[axis] !== 1);
  const kept = blockOrder(blocks, moving, "from");
  if (kept !== null) return { input: now, output: outputLayout(kept, toShape, wanted) };
  const asked = blockOrder(
    blocks,
    compact(wanted).filter((axis) => toShape[axis] !== 1),
    "to",
  );
  const order = asked ?? blocks;
  const used = order.flatMap((block) => block.from);
  const ones = identityLayout(fromShape.length).filter((axis) => !used.includes(axis));
  return { input: [...ones, ...used], output: outputLayout(order, toShape, wanted) };
}

/** The blocks in the order in which a layout has them, or null when a block's axes are apart or out of order. */
function blockOrder(blocks: readonly Block[], axes: readonly number[], side: "from" | "to"): Block[] | null {
  const order: Block[] = [];
  let at = 0;
  while (at < axes.length) {
    const block = blocks.find((candidate) => candidate[side][0] === axes[at]);
    if (block === undefined || block[side].some((axis, i) => axes[at + i] !== axis)) return null;
    order.push(block);
    at += block[side].length;
  }
  return order;
}

/** Puts the output's axes of size 1 where the readers want them when the rest agrees, else where the value has them. */
function outputLayout(order: readonly Block[], shape: readonly number[], wanted: Layout): Layout {
  const moving = order.flatMap((block) => block.to);
  for (const candidate of [wanted, identityLayout(shape.length)]) {
    const own = compact(candidate).filter((axis) => shape[axis] !== 1);
    if (own.length === moving.length && own.every((axis, i) => axis === moving[i])) return candidate;
  }
  const layout: number[] = [...moving];
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] !== 1) continue;
    const before = axis === 0 ? -1 : layout.indexOf(axis - 1);
    layout.splice(before + 1, 0, axis);
  }
  return layout;
}
