import type { Random } from "../../tensor/index.ts";

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
  /** Rows that may be compared with each other: one device and one architecture at several sizes. Absent: with none. */
  readonly family?: string;
}

/** Fits on rows and gives a predictor of features. */
export type Fitter = (rows: readonly Observation[]) => (features: readonly number[]) => number;

/** Errors on the rows that were fitted: the floor of what can be claimed. */
export function fittedErrors(rows: readonly Observation[], fitter: Fitter): FitErrors {
  const predict = fitter(rows);
  return summarize(
    rows,
    rows.map((row) => Math.abs(predict(row.features) / row.target - 1)),
  );
}

/** Errors on each group in turn, predicted by a fit on all the others: what can be claimed of a network that was never timed. */
export function heldOutErrors(rows: readonly Observation[], fitter: Fitter): FitErrors {
  const predicted = predictHeldOut(rows, fitter);
  return summarize(
    rows,
    rows.map((row, i) => Math.abs(predicted[i]! / row.target - 1)),
  );
}

/**
 * Errors of predicted ratios, |(p1 / p2) / (t1 / t2) - 1|, over all pairs of a family whose times are within a factor of `span`, both held out: what can be claimed of "this
 * much faster", where the errors of the two times partly cancel. Both directions of a pair count. Null when no family has a pair.
 */
export function heldOutRatioErrors(rows: readonly Observation[], fitter: Fitter, span = 4): FitErrors | null {
  const predicted = predictHeldOut(rows, fitter);
  const errors: number[] = [];
  const used = new Set<Observation>();
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      const ratio = a.target / b.target;
      if (
        i === j ||
        a.family === undefined ||
        a.family !== b.family ||
        isRepeat(a, b) ||
        ratio > span ||
        ratio < 1 / span
      )
        return;
      errors.push(Math.abs(predicted[i]! / predicted[j]! / ratio - 1));
      used.add(a);
    });
  });
  return errors.length === 0 ? null : summarize([...used], errors);
}

/**
 * The same for whole networks, where only single layers were timed: each sample is a network of `layers` random rows and a smaller one, in which each row is
 * replaced by one of its family that takes 30 to 90 % of its time. Null when no row has such a partner.
 */
export function heldOutNetworkRatioErrors(
  rows: readonly Observation[],
  fitter: Fitter,
  random: Random,
  layers = 10,
  samples = 2000,
): FitErrors | null {
  const predicted = predictHeldOut(rows, fitter);
  const partners = rows.map((a) =>
    rows.flatMap((b, j) => {
      const ratio = b.target / a.target;
      return a.family !== undefined && a.family === b.family && ratio >= 0.3 && ratio <= 0.9 ? [j] : [];
    }),
  );
  const usable = rows.flatMap((_, i) => (partners[i]!.length > 0 ? [i] : []));
  if (usable.length === 0) return null;
  const errors: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    let [before, after, truthBefore, truthAfter] = [0, 0, 0, 0];
    for (let layer = 0; layer < layers; layer++) {
      const i = usable[random.below(usable.length)]!;
      const choices = partners[i]!;
      const j = choices[random.below(choices.length)]!;
      before += predicted[i]!;
      after += predicted[j]!;
      truthBefore += rows[i]!.target;
      truthAfter += rows[j]!.target;
    }
    errors.push(Math.abs(after / before / (truthAfter / truthBefore) - 1));
  }
  return summarize(
    usable.map((i) => rows[i]!),
    errors,
  );
}

/** The same network timed again, which says nothing of a ratio. */
function isRepeat(a: Observation, b: Observation): boolean {
  return a.group === b.group && a.features.every((value, i) => value === b.features[i]);
}

function predictHeldOut(rows: readonly Observation[], fitter: Fitter): number[] {
  const predicted = new Array<number>(rows.length).fill(0);
  for (const group of new Set(rows.map((row) => row.group))) {
    const predict = fitter(rows.filter((row) => row.group !== group));
    rows.forEach((row, i) => {
      if (row.group === group) predicted[i] = predict(row.features);
    });
  }
  return predicted;
}

function summarize(rows: readonly Observation[], unsorted: readonly number[]): FitErrors {
  const errors = [...unsorted].sort((a, b) => a - b);
  const at = (share: number) => errors[Math.min(errors.length - 1, Math.ceil(share * errors.length) - 1)] ?? 0;
  return {
    rows: rows.length,
    groups: new Set(rows.map((row) => row.group)).size,
    mean: errors.reduce((sum, e) => sum + e, 0) / Math.max(1, errors.length),
    percentile90: at(0.9),
    worst: at(1),
  };
}
