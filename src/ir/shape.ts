import { EspalierError } from "../diagnostics/index.ts";
import type { Dim, Shape, TensorType } from "./graph.ts";

/** "[N, 3, 32, 32]". */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** "float32[N, 3, 32, 32]". */
export function typeText(type: TensorType): string {
  return `${type.dtype}${shapeText(type.shape)}`;
}

/** The shape as numbers; a symbol is replaced by its binding, or refused when it has none. */
export function staticShape(shape: Shape, bindings: Readonly<Record<string, number>> = {}): number[] {
  return shape.map((dim) => {
    if (typeof dim === "number") return dim;
    const bound = bindings[dim];
    if (bound === undefined) {
      throw new EspalierError("input", `Dimension "${dim}" of shape ${shapeText(shape)} is not known`, {
        hint: "Export the model with that size fixed; only the batch may stay open.",
      });
    }
    return bound;
  });
}

/** A dimension that must be a number here (channels, kernels, spatial sizes). */
export function staticDim(dim: Dim | undefined, what: string): number {
  if (typeof dim === "number") return dim;
  throw new EspalierError("unsupported", `${what} must be known, got ${dim === undefined ? "none" : `"${dim}"`}`);
}

/** A product of dimensions as a coefficient and the sorted list of its symbols. */
export interface DimProduct {
  readonly factor: number;
  readonly symbols: readonly string[];
}

export function productOf(shape: Shape): DimProduct {
  let factor = 1;
  const symbols: string[] = [];
  for (const dim of shape) {
    if (typeof dim === "number") factor *= dim;
    else symbols.push(dim);
  }
  return { factor, symbols: symbols.sort() };
}

/** ONNX multidirectional broadcasting (Broadcasting.md); refuses sizes that differ and are not 1. */
export function broadcastShapes(shapes: readonly Shape[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let dim: Dim = 1;
    for (const shape of shapes) {
      const own = shape[axis - (rank - shape.length)];
      if (own === undefined || own === 1 || own === dim) continue;
      if (dim !== 1)
        throw new EspalierError(
          "input",
          `Shapes ${shapes.map(shapeText).join(" and ")} do not broadcast: ${dim} against ${own} on axis ${axis}`,
        );
      dim = own;
    }
    out.push(dim);
  }
  return out;
}

/** A possibly negative axis as a position in 0..rank-1. */
export function normalAxis(axis: number, rank: number): number {
  const position = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || position < 0 || position >= rank)
    throw new EspalierError("input", `Axis ${axis} is outside a tensor of rank ${rank}`);
  return position;
}
