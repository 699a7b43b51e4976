import type { ValueId } from "../ir/index.ts";
import { float32 } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import { type InterpolatedAxis, type Interpolation, interpolationMatrix } from "./interpolation.ts";
import { type GradientContext, type GradientRule, OpContext } from "./spec.ts";

/** The matrix (rows: new positions) times one axis of a value. */
function alongAxis(f: Formula, value: ValueId, axis: number, matrix: Float32Array, size: number): ValueId {
  const shape = f.shape(value);
  const before = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const after = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const left = f.constant(float32([size, shape[axis]!], matrix));
  const product = f.node("MatMul", [left, f.reshape(value, [before, shape[axis]!, after])]);
  return f.reshape(product, [...shape.slice(0, axis), size, ...shape.slice(axis + 1)]);
}

/** A resize is linear in each axis: its gradient multiplies by the transposed matrices. `axesOf` resolves the node (it lives beside Resize, which imports this file). */
export function resize<A extends Interpolation>(
  axesOf: (c: OpContext<A>) => readonly InterpolatedAxis[],
): GradientRule<A> {
  return (c: GradientContext<A>) => {
    if (!c.wants(0)) return c.inputs.map(() => null);
    const f = formulaOf(c);
    const facts = c.inputs.map((id) => (id === null ? null : c.builder.value(id)));
    const axes = axesOf(new OpContext(c.node.op, c.attrs, facts, 1));
    let dx = c.outputGradients[0]!;
    for (const axis of axes) {
      const matrix = interpolationMatrix(c.attrs, axis);
      const transposed = new Float32Array(matrix.length);
      for (let o = 0; o < axis.output; o++)
        for (let i = 0; i < axis.input; i++) transposed[i * axis.output + o] = matrix[o * axis.input + i]!;
      dx = alongAxis(f, dx, axis.axis, transposed, axis.input);
    }
    return c.inputs.map((_, i) => (i === 0 ? dx : null));
  };
}
