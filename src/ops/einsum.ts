import { EspalierError } from "../diagnostics/index.ts";
import { productOf, type Shape } from "../ir/index.ts";
import { string } from "./attributes.ts";
import { coupleEinsum } from "./coupling-einsum.ts";
import { bindEquation } from "./einsum-equation.ts";
import { einsum } from "./gradient-einsum.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

function bound(c: OpContext<{ readonly equation: string }>) {
  const shapes: Shape[] = c.inputs.map((_, i) => c.shape(i));
  return bindEquation(c.attrs.equation, shapes);
}

/** Sum of products over the axes that the equation leaves out of its result, such as "bij,bjk->bik" (ONNX Einsum-12). */
export const Einsum = defineOp({
  attrs: { equation: string() },
  inputs: [1, 64],
  kind: "matmul",
  infer: (c) => {
    const { dtype } = c.type(0);
    const odd = c.inputs.findIndex((_, i) => c.type(i).dtype !== dtype);
    if (odd >= 0)
      throw new EspalierError("input", `Einsum needs operands of one dtype, got ${dtype} and ${c.type(odd).dtype}`);
    const { result, sizes } = bound(c);
    return [
      typed(
        dtype,
        result.map((label) => sizes.get(label)!),
      ),
    ];
  },
  // One multiply-accumulate for each operand after the first at each point of the space that all labels span: the definition, evaluated as it stands.
  macs: (c) => {
    const { factor, symbols } = productOf([...bound(c).sizes.values()]);
    return { factor: factor * (c.inputs.length - 1), symbols };
  },
  couple: (c) => {
    const { operands, result } = bound(c.facts);
    coupleEinsum(c, operands, result);
  },
  gradient: einsum,
});
