/** Errors |predicted / measured - 1| of a fit. */
export interface FitErrors {
  readonly rows: number;
  readonly groups: number;
  readonly mean: number;
  readonly percentile90: number;
  readonly worst: number;
}

/** One measurement: features, the measured target, and the group (a whole network, a whole device) that is left out together. */
export interface Observation {
  readonly features: readonly number[];
  readonly target: number;
  readonly group: string;
}

/** Fits on rows and gives a predictor of features. */
export type Fitter = (rows: readonly Observation[]) => (features: readonly number[]) => number;

/** Errors on the rows that were fitted: the floor of what can be claimed. */
export function fittedErrors(rows: readonly Observation[], fit: Fitter): FitErrors {
  const predict = fit(rows);
  return summarizeErrors(rows, rows.map((row) => predict(row.features)));
}

/** Errors on each group in turn, predicted by a fit on all the others: what can be claimed of a network that was never timed. */
export function heldOutErrors(rows: readonly Observation[], fit: Fitter): FitErrors {
  const predicted = new Array<number>(rows.length).fill(0);
  for (const group of new Set(rows.map((row) => row.group))) {
    const predict = fit(rows.filter((row) => row.group !== group));
    rows.forEach((row, i) => {
      if (row.group === group) predicted[i] = predict(row.features);
    });
  }
  return summarizeErrors(rows, predicted);
}

function summarizeErrors(rows: readonly Observation[], predicted: readonly number[]): FitErrors {
  const errors = rows.map((row, i) => Math.abs(predicted[i]! / row.target - 1)).sort((a, b) => a - b);
  const at = (share: number) => errors[Math.min(errors.length - 1, Math.ceil(share * errors.length) - 1)] ?? 0;
  return {
    rows: rows.length,
    groups: new Set(rows.map((row) => row.group)).size,
    mean: errors.reduce((sum, e) => sum + e, 0) / Math.max(1, errors.length),
    percentile90: at(0.9),
    worst: at(1),
  };
}
