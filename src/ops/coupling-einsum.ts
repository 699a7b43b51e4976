import { CONTRACTED, type CouplingContext, OPAQUE } from "./coupling-rule.ts";

/**
 * Labels of the result meet position by position. One label that two operands sum over is a contraction; further ones, labels that a single operand
 * sums over, diagonals, and all of more than two operands keep their sizes.
 */
export function coupleEinsum(
  c: CouplingContext<unknown>,
  operands: readonly (readonly string[])[],
  result: readonly string[],
): void {
  const repeated = operands.some((labels) => new Set(labels).size < labels.length);
  if (operands.length > 2 || repeated) {
    operands.forEach((_, input) => {
      c.freeze(input, "einsum");
    });
    return;
  }
  const [left, right] = operands as [readonly string[], (readonly string[])?];
  const summed = left.filter((label) => !result.includes(label) && right?.includes(label) === true);
  const contracted = summed.length > 0 && sizesAgree(c, left, right!, summed[0]!) ? summed[0] : undefined;
  const seen = operands.map((labels, input) => ({
    input,
    axes: labels.map((label) => {
      if (label === contracted) return CONTRACTED;
      return result.includes(label) ? result.indexOf(label) : OPAQUE;
    }),
  }));
  if (contracted === undefined) c.join(seen);
  else c.contract(seen[0]!, seen[1]!);
}

/** A label of size 1 in one operand broadcasts: no sum over positions that correspond. */
function sizesAgree(
  c: CouplingContext<unknown>,
  left: readonly string[],
  right: readonly string[],
  label: string,
): boolean {
  return c.facts.shape(0)[left.indexOf(label)] === c.facts.shape(1)[right.indexOf(label)];
}
