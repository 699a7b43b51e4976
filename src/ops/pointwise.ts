import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, typeText } from "../ir/index.ts";
import { DTYPES, type DType } from "../tensor/index.ts";
import type { AttributeSpecs, AttributesOf } from "./attributes.ts";
import { coupleBroadcast, couplePass } from "./coupling-rule.ts";
import { defineOp, type GradientRule, type OpContext, typed } from "./spec.ts";

/** Which element types an operator takes. */
export type Accepts = "any" | "float" | "integer" | "unsigned" | "bool";

function accepted(dtype: DType, accepts: Accepts): boolean {
  const { float, signed } = DTYPES[dtype];
  if (accepts === "any") return true;
  if (accepts === "float") return float;
  if (accepts === "bool") return dtype === "bool";
  return !float && dtype !== "bool" && (accepts === "integer" || !signed);
}

/** Refuses an input whose elements are of a kind that the operator does not take. */
export function checkElements(c: OpContext<unknown>, input: number, accepts: Accepts): void {
  if (!accepted(c.type(input).dtype, accepts))
    throw new EspalierError(
      "input",
      `${c.op} takes ${accepts} elements, got input ${input} of type ${typeText(c.type(input))}`,
    );
}

/** What a pointwise operator may state besides its attributes and gradient. */
export interface PointwiseOptions {
  readonly accepts?: Accepts;
  /** Element type of the result; default: that of the operands. */
  readonly result?: DType;
}

/** An operator that maps each element on its own. `extraInputs` counts optional settings after the first input. */
export function unary<S extends AttributeSpecs>(
  attrs: S,
  gradient: GradientRule<AttributesOf<S>>,
  options: PointwiseOptions & { readonly extraInputs?: number } = {},
) {
  return defineOp({
    attrs,
    inputs: [1, 1 + (options.extraInputs ?? 0)],
    kind: "elementwise",
    infer: (c) => {
      checkElements(c, 0, options.accepts ?? "any");
      return [typed(options.result ?? c.type(0).dtype, c.shape(0))];
    },
    couple: couplePass,
    gradient,
  });
}

/** The shape of broadcast operands, which must all be of one dtype. */
export function broadcastOperands(c: OpContext<unknown>, accepts: Accepts = "any") {
  const types = c.inputs.map((_, i) => c.type(i));
  checkElements(c, 0, accepts);
  const odd = types.find((t) => t.dtype !== types[0]!.dtype);
  if (odd !== undefined)
    throw new EspalierError("input", `${c.op} needs operands of one dtype, got ${types[0]!.dtype} and ${odd.dtype}`);
  return broadcastShapes(types.map((t) => t.shape));
}

/** An operator over broadcast operands of one dtype. */
export function broadcasting(
  inputs: readonly [number, number],
  gradient: GradientRule<Record<never, never>>,
  options: PointwiseOptions = {},
) {
  return defineOp({
    attrs: {},
    inputs,
    kind: "elementwise",
    infer: (c) => {
      const shape = broadcastOperands(c, options.accepts);
      return [typed(options.result ?? c.type(0).dtype, shape)];
    },
    couple: coupleBroadcast,
    gradient,
  });
}
