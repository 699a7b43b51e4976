import { EspalierError } from "../diagnostics/index.ts";
import { type BoundEquation, bindEquation } from "./einsum-equation.ts";
import { formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

/** Letters for all labels, also for those of an ellipsis. */
function lettersFor(bound: BoundEquation): (labels: readonly string[]) => string {
  const free = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter((letter) => !bound.sizes.has(letter));
  const names = new Map([...bound.sizes.keys()].map((label) => [label, /\d/.test(label) ? free.shift()! : label]));
  return (labels) => labels.map((label) => names.get(label)).join("");
}

/** An operand's gradient sums the product of dy and the other operands over all labels that it does not have; labels that only it has are stretched. */
export const einsum: GradientRule<{ readonly equation: string }> = (c) => {
  const f = formulaOf(c);
  const ids = c.inputs.map((id) => id!);
  const bound = bindEquation(
    c.attrs.equation,
    ids.map((id) => f.shape(id)),
  );
  const text = lettersFor(bound);
  return ids.map((id, i) => {
    if (!c.wants(i)) return null;
    const own = bound.operands[i]!;
    const others = ids.flatMap((_, k) => (k === i ? [] : [k]));
    const plain = new Set(own).size === own.length && f.shape(id).every((size, k) => size === bound.sizes.get(own[k]!));
    if (!plain)
      throw new EspalierError(
        "unsupported",
        `The gradient of Einsum "${c.attrs.equation}" with a repeated or broadcast axis is not written yet`,
        {
          where: `node "${c.node.name}"`,
        },
      );
    const elsewhere = new Set([...bound.result, ...others.flatMap((k) => bound.operands[k]!)]);
    const kept = own.filter((label) => elsewhere.has(label));
    const terms = [bound.result, ...others.map((k) => bound.operands[k]!)].map(text).join(",");
    const product = f.node("Einsum", [c.outputGradients[0]!, ...others.map((k) => ids[k]!)], {
      equation: `${terms}->${text(kept)}`,
    });
    if (kept.length === own.length) return product;
    const aligned = f.reshape(
      product,
      f.shape(id).map((size, k) => (elsewhere.has(own[k]!) ? size : 1)),
    );
    return f.node("Expand", [aligned, f.ints(f.shape(id))]);
  });
};
