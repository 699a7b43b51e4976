import type { ActivationCriterion } from "./criterion.ts";
import { fromProfiles } from "./profiles.ts";

/** Bins of equal width between the least and the largest mean activation. */
const BINS = 8;

/**
 * Mutual information in nats between a unit's mean activation, in 8 bins, and the class of the sample: sum of p(b, c) log(p(b, c) / (p(b) p(c))) (Battiti,
 * Using mutual information for selecting features in supervised neural net learning, 1994). Few samples overstate it for all units alike.
 */
export const mutualInformation: ActivationCriterion = {
  kind: "activations",
  name: "mutual-information",
  says: "what the binned activation tells about the class",
  needs: "activations",
  sites: "consumers",
  start: (_, site) =>
    fromProfiles(site, ({ series, labels }) => Float64Array.from(series, (own) => informationOf(binned(own), labels))),
};

function binned(series: Float64Array): number[] {
  const least = series.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const width = series.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  return Array.from(series, (value) =>
    width > 0 ? Math.min(BINS - 1, Math.floor(((value - least) / width) * BINS)) : 0,
  );
}

function informationOf(a: readonly number[], b: readonly number[]): number {
  const [joint, ofA, ofB] = [new Map<string, number>(), new Map<number, number>(), new Map<number, number>()];
  const share = 1 / a.length;
  a.forEach((x, i) => {
    const y = b[i]!;
    joint.set(`${x},${y}`, (joint.get(`${x},${y}`) ?? 0) + share);
    ofA.set(x, (ofA.get(x) ?? 0) + share);
    ofB.set(y, (ofB.get(y) ?? 0) + share);
  });
  let information = 0;
  for (const [key, p] of joint) {
    const [x, y] = key.split(",").map(Number) as [number, number];
    information += p * Math.log(p / (ofA.get(x)! * ofB.get(y)!));
  }
  return Math.max(0, information);
}
