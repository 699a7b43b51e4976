import { normalAxis } from "../ir/index.ts";
import { completeAttributes, OPS, type OpContext, resolveSlices, splitSizes } from "../ops/index.ts";
import { allocate, permute, sizeOf, type Tensor, type TypedArray, takeAlong, tensor, toInts } from "../tensor/index.ts";
import { expanded } from "./arithmetic.ts";
import { indexing } from "./indexing.ts";

type Shapes = readonly (readonly number[])[];

function concatenated(parts: readonly Tensor[], axis: number, shape: readonly number[]): Tensor {
  const first = parts[0]!;
  const outer = sizeOf(shape.slice(0, axis));
  const data = allocate(first.dtype, sizeOf(shape));
  const target = data as TypedArray;
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const block = part.data.length / outer;
      target.set((part.data as TypedArray).subarray(o * block, (o + 1) * block) as never, at);
      at += block;
    }
  }
  return tensor(first.dtype, shape, data);
}

function range(from: number, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** Element-moving operators: what each makes of constant operands, given the shapes of its outputs. */
const movement: Readonly<
  Record<string, (c: OpContext<never>, data: readonly Tensor[], shapes: Shapes) => Tensor[] | null>
> = {
  ...indexing,
  Reshape: (_, [x], [shape]) => [{ ...x!, shape: shape! }],
  Flatten: (_, [x], [shape]) => [{ ...x!, shape: shape! }],
  Squeeze: (_, [x], [shape]) => [{ ...x!, shape: shape! }],
  Unsqueeze: (_, [x], [shape]) => [{ ...x!, shape: shape! }],
  Expand: (_, [x], [shape]) => [expanded(x!, shape!)],
  Transpose: (c, [x]) => {
    const { perm } = completeAttributes("Transpose", OPS.Transpose.attrs, c.attrs);
    return [permute(x!, perm.length > 0 ? perm : range(x!.shape.length - 1, x!.shape.length, -1))];
  },
  Concat: (c, parts, [shape]) => {
    const { axis } = completeAttributes("Concat", OPS.Concat.attrs, c.attrs);
    return [concatenated(parts, normalAxis(axis, shape!.length), shape!)];
  },
  Slice: (c, [x]) => [
    resolveSlices(c).reduce((t, { axis, start, step, count }) => takeAlong(t, axis, range(start, count, step)), x!),
  ],
  Split: (c, [x]) => {
    const context = c as unknown as Parameters<typeof splitSizes>[0];
    let start = 0;
    return splitSizes(context).map((size) => {
      start += size;
      return takeAlong(x!, normalAxis(context.attrs.axis, x!.shape.length), range(start - size, size));
    });
  },
  Gather: (c, [x, indices], [shape]) => {
    const { axis: given } = completeAttributes("Gather", OPS.Gather.attrs, c.attrs);
    const axis = normalAxis(given, x!.shape.length);
    const positions = toInts(indices!).map((index) => normalAxis(index, x!.shape[axis]!));
    return [{ ...takeAlong(x!, axis, positions), shape: shape! }];
  },
  Tile: (c, [x]) => [
    c.ints(1).reduce((t, repeats, axis) => {
      const size = t.shape[axis]!;
      return takeAlong(
        t,
        axis,
        range(0, size * repeats).map((i) => i % size),
      );
    }, x!),
  ],
};

export const MOVEMENT = Object.keys(movement);

/** The values of an element-moving node with constant operands. */
export function computeMovement(
  op: string,
  context: OpContext<never>,
  operands: readonly Tensor[],
  shapes: Shapes,
): Tensor[] | null {
  return movement[op]?.(context, operands, shapes) ?? null;
}
