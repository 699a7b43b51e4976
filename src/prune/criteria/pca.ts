import type { ActivationCriterion } from "./criterion.ts";
import { centred, fromProfiles } from "./profiles.ts";

/** Share of the variance that the principal components which count must hold. */
const ENERGY = 0.95;
const ITERATIONS = 200;

/**
 * Energy of a unit in the principal subspace of its group's mean activations: the sum over the leading components, up to 95 % of the variance, of
 * eigenvalue x squared loading (Suau et al., Filter Distillation for Network Compression, 2020; Jolliffe, Principal Component Analysis, on choosing
 * variables). Units that only vary in directions which the others do not share and that hold little variance score low.
 */
export const pca: ActivationCriterion = {
  kind: "activations",
  name: "pca",
  says: "energy in the principal components of the activations",
  needs: "activations",
  sites: "consumers",
  start: (_, site) => fromProfiles(site, ({ series }) => principalEnergy(series.map(centred))),
};

/** Power iteration with deflation on the data themselves: a component costs units x samples a round, and no square matrix is kept. */
function principalEnergy(rows: readonly Float64Array[]): Float64Array {
  const samples = rows[0]?.length ?? 0;
  const left = rows.map((row) => Float64Array.from(row));
  const total = energyOf(left);
  const scores = new Float64Array(rows.length);
  let held = 0;
  for (let k = 0; k < Math.min(rows.length, samples) && held < ENERGY * total; k++) {
    const direction = leadingDirection(left, samples);
    left.forEach((row, unit) => {
      const projection = dot(row, direction);
      // eigenvalue x squared loading is the squared projection of the unit's series on the component's, over the samples.
      scores[unit]! += (projection * projection) / samples;
      held += projection * projection;
      for (let s = 0; s < samples; s++) row[s]! -= projection * direction[s]!;
    });
  }
  return scores;
}

function leadingDirection(rows: readonly Float64Array[], samples: number): Float64Array {
  const start = rows.reduce((most, row) => (dot(row, row) > dot(most, most) ? row : most));
  let direction = unitLength(Float64Array.from(start));
  for (let i = 0; i < ITERATIONS; i++) {
    const next = new Float64Array(samples);
    for (const row of rows) {
      const projection = dot(row, direction);
      for (let s = 0; s < samples; s++) next[s]! += projection * row[s]!;
    }
    const turned = unitLength(next);
    const still = dot(turned, direction) > 1 - 1e-12;
    direction = turned;
    if (still) break;
  }
  return direction;
}

function unitLength(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(dot(vector, vector));
  return norm > 0 ? vector.map((value) => value / norm) : vector;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function energyOf(rows: readonly Float64Array[]): number {
  return rows.reduce((sum, row) => sum + dot(row, row), 0);
}
