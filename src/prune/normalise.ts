/** How scores of different groups are made comparable. */
export type Normalisation = "none" | "mean" | "max" | "l2" | "lamp";

/**
 * Scores divided by the group's mean magnitude, largest magnitude or Euclidean norm, or by LAMP: s^2 over the sum of the squares of all scores of the group
 * that are not smaller (Lee et al., Layer-adaptive sparsity for the Magnitude-based Pruning, 2021), so that the best unit of a group scores 1. LAMP
 * of scores of both signs is that of their distances to the lowest.
 */
export function normalise(scores: Float64Array, by: Normalisation): Float64Array {
  if (by === "none" || scores.length === 0) return scores;
  if (by === "lamp") return lamp(scores);
  let divisor = 0;
  if (by === "max") divisor = scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
  else if (by === "mean") divisor = scores.reduce((sum, score) => sum + Math.abs(score), 0) / scores.length;
  else divisor = Math.sqrt(scores.reduce((sum, score) => sum + score * score, 0));
  return divisor > 0 ? scores.map((score) => score / divisor) : scores;
}

function lamp(scores: Float64Array): Float64Array {
  const lowest = Math.min(0, ...scores);
  const squares = scores.map((score) => (score - lowest) ** 2);
  const order = Array.from(squares.keys()).sort((a, b) => squares[b]! - squares[a]!);
  const out = new Float64Array(scores.length);
  let sum = 0;
  for (let at = 0; at < order.length; ) {
    // Equal scores get equal answers: all of them are "not smaller".
    let end = at;
    for (; end < order.length && squares[order[end]!] === squares[order[at]!]; end++) sum += squares[order[end]!]!;
    for (; at < end; at++) out[order[at]!] = sum > 0 ? squares[order[at]!]! / sum : 0;
  }
  return out;
}
