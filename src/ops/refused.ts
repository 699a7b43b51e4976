/** Why ONNX operators that exist are not in the table: for messages and SUPPORT.md. */
export const REFUSED: Readonly<Record<string, string>> = {
  NonZero: "the size of its result depends on data",
  Unique: "the size of its result depends on data",
  NonMaxSuppression: "the size of its result depends on data",
  Bernoulli: "its result is random, a deployed model must be repeatable",
  Multinomial: "its result is random, a deployed model must be repeatable",
  RandomNormal: "its result is random, a deployed model must be repeatable",
  RandomNormalLike: "its result is random, a deployed model must be repeatable",
  RandomUniform: "its result is random, a deployed model must be repeatable",
  RandomUniformLike: "its result is random, a deployed model must be repeatable",
};

/** Why an operator is not in the table, where a reason is stated. */
export function refusalOf(op: string): string | null {
  return Object.hasOwn(REFUSED, op) ? REFUSED[op]! : null;
}
