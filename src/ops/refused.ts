/** Why an ONNX operator that exists is not in the table, for messages: what it would take is the reader's business, or cannot be deployed. */
const reasons: Readonly<Record<string, string>> = {
  NonZero: "the size of its result depends on data",
  Unique: "the size of its result depends on data",
  NonMaxSuppression: "the size of its result depends on data",
  Bernoulli: "its result is random, a deployed model must be repeatable",
  Multinomial: "its result is random, a deployed model must be repeatable",
  RandomNormal: "its result is random, a deployed model must be repeatable",
  RandomNormalLike: "its result is random, a deployed model must be repeatable",
  RandomUniform: "its result is random, a deployed model must be repeatable",
  RandomUniformLike: "its result is random, a deployed model must be repeatable",
  DeformConv: "ONNX Runtime has no CPU kernel for it",
};

/** What to do about an operator that has a stated reason, else null. */
export function refusalOf(op: string): string | null {
  return Object.hasOwn(reasons, op) ? reasons[op]! : null;
}
