import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";

/** Bounds on the gradients of a step; with both, values are bounded first. */
export interface Clip {
  /** Most that the norm over all gradients together may be; larger ones are scaled down (Pascanu et al. 2013). */
  readonly norm?: number;
  /** Most that each element may be in size. */
  readonly value?: number;
}

/** The gradients within their bounds. Throws EspalierError "usage" for a bound that is not above 0. */
export function addClipping(f: Formula, gradients: readonly ValueId[], clip: Clip): ValueId[] {
  for (const bound of [clip.norm, clip.value])
    if (bound !== undefined && !(bound > 0 && Number.isFinite(bound)))
      throw new EspalierError("usage", `Gradients cannot be clipped to ${bound}`, { hint: "Give a number above 0." });
  const { norm, value } = clip;
  const bounded =
    value === undefined
      ? [...gradients]
      : gradients.map((gradient) => f.node("Clip", [gradient, f.number(-value), f.number(value)]));
  if (norm === undefined) return bounded;
  const squares = bounded.map((gradient) => {
    const axes = f.shape(gradient).map((_, axis) => axis);
    return axes.length === 0
      ? f.mul(gradient, gradient)
      : f.node("ReduceSumSquare", [gradient, f.ints(axes)], { keepdims: 0 });
  });
  const total = f.node("Sqrt", [squares.length === 1 ? squares[0]! : f.node("Sum", squares)]);
  // Written so that a norm of 0 divides nothing, and one that is not a number stays one: the loss must show it.
  const factor = f.div(f.number(norm), f.node("Max", [total, f.number(norm)]));
  return bounded.map((gradient) => f.mul(gradient, factor));
}
