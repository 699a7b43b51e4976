/** How a classifier does on one class. */
export interface ClassFigures {
  readonly name: string;
  /** Share of what is called this class that is it; null when nothing is. */
  readonly precision: number | null;
  /** Share of this class that is called so; null when there are no samples of it. */
  readonly recall: number | null;
  /** Samples of the class. */
  readonly samples: number;
}

/** Counts by true class (row) and predicted class (column). A tie goes to the lower class, as everywhere. */
export function confusionMatrix(scores: Float32Array, labels: Int32Array, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, i) => {
    let best = 0;
    for (let k = 1; k < classes; k++) if (scores[i * classes + k]! > scores[i * classes + best]!) best = k;
    matrix[label]![best]! += 1;
  });
  return matrix;
}

/** Precision and recall of each class. */
export function classFigures(matrix: readonly (readonly number[])[], names: readonly string[]): ClassFigures[] {
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  return matrix.map((row, k) => {
    const samples = row.reduce((a, b) => a + b, 0);
    const called = matrix.reduce((sum, other) => sum + other[k]!, 0);
    return {
      name: names[k] ?? `class ${k}`,
      precision: share(row[k]!, called),
      recall: share(row[k]!, samples),
      samples,
    };
  });
}

/**
 * Mean of -log p(label). Rows that are all probabilities (between 0 and 1, sum 1 within 1e-3) are taken as such, anything else as logits. A probability
 * that was rounded to 0 counts as 1e-7, so that one sample does not decide the mean.
 */
export function scoresLoss(scores: Float32Array, labels: Int32Array, classes: number): number {
  const rows = Array.from(labels, (_, i) => scores.subarray(i * classes, (i + 1) * classes));
  const probabilities = rows.every(
    (row) => row.every((value) => value >= 0 && value <= 1) && Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-3,
  );
  let total = 0;
  rows.forEach((row, i) => {
    const own = row[labels[i]!]!;
    if (probabilities) total -= Math.log(Math.max(own, 1e-7));
    else {
      const greatest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      total += greatest - own + Math.log(row.reduce((sum, value) => sum + Math.exp(value - greatest), 0));
    }
  });
  return total / labels.length;
}
