import { permute, type Tensor, tensor } from "../../../tensor/index.ts";
import { identityLayout, type Layout } from "../layout.ts";
import { planReshape, reshapeBlocks } from "../reshape.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/**
 * Reshape, Flatten, Squeeze and Unsqueeze are one thing here: the same elements in order under another shape. A flattening
 * to [rows, K] is put off until a reader needs it: FULLY_CONNECTED does not, and takes its weights in the order that the
 * tensor has.
 */
function lowerReshape(c: StepContext): void {
  const fromShape = c.shape(0);
  const toShape = c.outShape();
  const quantization = c.placement.plan.quantization.get(c.out(0));
  const source = c.placed(0);
  if (source.flat === undefined && flattens(fromShape, toShape, source.layout) && sameElements(c)) {
    const contiguous = planReshape(fromShape, toShape, source.layout, identityLayout(2)).input;
    const order = flatOrder(fromShape, source.layout);
    const flat = { source: c.id(0), contiguous, ...(order === null ? {} : { order }) };
    c.alias(0, { tensor: source.tensor, layout: identityLayout(2), flat });
    return;
  }
  const now: Layout = source.flat === undefined ? source.layout : identityLayout(fromShape.length);
  const plan = planReshape(fromShape, toShape, now, c.wantedLayout());
  const x = c.read(0, plan.input, c.int8 ? quantization : undefined);
  const y = c.write(0, plan.output);
  c.placement.reshape(x, y);
}

/** Rows stay rows, in front of all else in the tensor too, and all else becomes one axis. */
function flattens(from: readonly number[], to: readonly number[], layout: Layout): boolean {
  if (to.length !== 2 || from.length <= 2 || from[0] !== to[0]) return false;
  const outermost = layout.find((axis) => axis >= 0 && from[axis] !== 1);
  if (from[0] !== 1 && outermost !== 0) return false;
  return reshapeBlocks(from.slice(1), to.slice(1)).length <= 1;
}

/** A flattening that also changes the scale cannot be put off. */
function sameElements(c: StepContext): boolean {
  const from = c.placement.plan.quantization.get(c.id(0));
  const to = c.placement.plan.quantization.get(c.out(0));
  return from?.scales[0] === to?.scales[0] && from?.zeroPoints[0] === to?.zeroPoints[0];
}

/** For each position of a row of the tensor, the position of that element in the value; null when they are the same. */
function flatOrder(shape: readonly number[], layout: Layout): Int32Array | null {
  const inner = shape.slice(1);
  const count = inner.reduce((a, b) => a * b, 1);
  const axes = layout.filter((axis) => axis > 0).map((axis) => axis - 1);
  const positions: Tensor<"int32"> = tensor(
    "int32",
    inner,
    Int32Array.from({ length: count }, (_, i) => i),
  );
  const order = permute(positions, axes).data as Int32Array;
  return order.every((position, i) => position === i) ? null : order;
}

export const Reshape: Lowering = { lower: lowerReshape, int8: true, int16: true };
export const Flatten = Reshape;
export const Squeeze = Reshape;
export const Unsqueeze = Reshape;
