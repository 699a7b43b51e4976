/** Why axes are not cut, for people, as the end of "they stay whole: ..."; other reasons speak for themselves. */
const REASONS: Readonly<Record<string, string>> = {
  "graph-output": "they make the model's own outputs",
  "graph-input": "they read the model's own inputs",
  mixed: "an operator behind them (a normalisation, a softmax, a transform) mixes their positions",
  statistics: "a mean, maximum or product over them would change",
  "norm-statistics": "a normalisation takes its mean and variance over them",
  "looked-up": "data choose their positions",
  einsum: "the equation uses them in a way that is not followed",
  "computed-weights": "their weights are computed, not stored",
  "shared-blocks": "a grouped convolution reads a weight that is quantised, computed or used twice",
  "single-unit": "all their positions go together: there is only one unit",
  "single-position": "a single position of them is picked out",
  "padded-grid": "a grid of rows and columns is padded",
  "crossing-grids": "two grids of rows and columns cross on them",
  grid: "they lie in a grid in which some row cannot lose as many as the others",
  reshape: "a reshape lays them out in a way that is not followed",
  constant: "a constant that nobody computes meets them",
  untracked: "nothing is known of what meets them",
};

/** A reason in words, for the end of "they stay whole: ...". */
export function freezeWords(reason: string): string {
  if (Object.hasOwn(REASONS, reason)) return REASONS[reason]!;
  const operator = /^operator (.+)$/.exec(reason);
  return operator === null ? reason : `${operator[1]} has no rule for cutting`;
}
