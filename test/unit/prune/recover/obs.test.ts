import { describe, expect, it } from "vitest";
import { choleskyFactor, choleskySolve } from "../../../../src/prune/recover/cholesky.ts";
import { type ReadProduct, removalErrors } from "../../../../src/prune/recover/removal-errors.ts";
import { seededRandom } from "../../../../src/tensor/index.ts";
import { convolutional, dense, samples, scoresOf, type TinyWeights } from "../tiny.ts";

/** A product of six features in three units, [0], [1, 4] and [2, 3]; feature 5 is of none. */
function product(label: string): ReadProduct {
  const random = seededRandom(1, label);
  const [features, outputs] = [6, 3];
  const x = Array.from({ length: 30 }, () => Array.from({ length: features }, () => random.normal()));
  const hessian = Float64Array.from({ length: features ** 2 }, (_, at) => {
    const [i, j] = [Math.floor(at / features), at % features];
    return x.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 0.2 : 0);
  });
  const weights = Float64Array.from({ length: features * outputs }, () => random.normal());
  return { features, outputs, hessian, weights, featuresOf: [[0], [1, 4], [2, 3]] };
}

/** Half of the least of tr(dW' H dW) where the features that go lose their weights and the others are free. */
function leastError({ features, outputs, hessian, weights }: ReadProduct, gone: readonly number[]): number {
  const kept = Array.from({ length: features }, (_, i) => i).filter((i) => !gone.includes(i));
  const h = (i: number, j: number) => hessian[i * features + j]!;
  const factor = Float64Array.from(kept.flatMap((i) => kept.map((j) => h(i, j))));
  expect(choleskyFactor(factor, kept.length)).toBe(true);
  const delta = new Float64Array(features * outputs);
  for (const i of gone) for (let o = 0; o < outputs; o++) delta[i * outputs + o] = -weights[i * outputs + o]!;
  const right = Float64Array.from(
    kept.flatMap((i) =>
      Array.from({ length: outputs }, (_, o) => -gone.reduce((sum, j) => sum + h(i, j) * delta[j * outputs + o]!, 0)),
    ),
  );
  choleskySolve(factor, kept.length, right, outputs);
  kept.forEach((i, k) => {
    for (let o = 0; o < outputs; o++) delta[i * outputs + o] = right[k * outputs + o]!;
  });
  let sum = 0;
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < features; i++)
      for (let j = 0; j < features; j++) sum += delta[i * outputs + o]! * h(i, j) * delta[j * outputs + o]!;
  return sum / 2;
}

describe("removal with refitting", () => {
  const products = [product("a"), product("b")];
  const errorWithout = (units: readonly number[]) =>
    products.reduce(
      (sum, own) =>
        sum +
        leastError(
          own,
          units.flatMap((unit) => [...own.featuresOf[unit]!]),
        ),
      0,
    );

  it("costs what solving for all other weights anew leaves, unit after unit", () => {
    const errors = removalErrors(products, 4)!;
    expect(errors[3]).toBeNaN();
    const order = [0, 1, 2].sort((a, b) => errors[a]! - errors[b]!);
    const single = [0, 1, 2].map((unit) => errorWithout([unit]));
    expect(order[0]).toBe(single.indexOf(Math.min(...single)));
    expect(errors[order[0]!]).toBeCloseTo(single[order[0]!]!, 9);
    const second = Math.min(...order.slice(1).map((unit) => errorWithout([order[0]!, unit])));
    expect(errorWithout(order.slice(0, 2))).toBe(second);
    expect(errors[order[1]!]).toBeCloseTo(second - single[order[0]!]!, 9);
    expect(errors[order[2]!]).toBeCloseTo(errorWithout(order) - second, 9);
  });

  it("has no answer for a singular Hessian", () => {
    const flat = {
      features: 2,
      outputs: 1,
      hessian: Float64Array.of(1, 1, 1, 1),
      weights: Float64Array.of(1, 1),
      featuresOf: [[0], [1]],
    };
    expect(removalErrors([flat], 2)).toBeNull();
  });
});

describe("obs", () => {
  // Units 0 and 1 are the same; unit 2 is read with small weights, unit 3 is dead, unit 4 with large ones.
  const weights: TinyWeights = {
    make: [
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 0],
      [1, -1],
    ],
    read: [
      [2, -1, 0.5, 9, 4],
      [2, -1, 0.5, 9, -4],
    ],
  };
  const rows = Array.from({ length: 60 }, (_, i) => [1 + ((i * 7) % 11), 1 + ((i * 5) % 13)]);
  const labels = rows.map((_, i) => i % 2);

  it("takes one of two equal units for nothing, and the other for what both were", async () => {
    const scores = await scoresOf(dense(weights), "obs", samples(rows, labels, [2]));
    expect(scores[3]).toBe(0);
    const [least, most] = [Math.min(scores[0]!, scores[1]!), Math.max(scores[0]!, scores[1]!)];
    expect(least).toBeLessThan(1e-2 * most);
    expect(Math.max(scores[4]!, most)).toBe(Math.max(...scores));
  });

  it("sees convolutions as it sees products, a sample's positions added up", async () => {
    const side = 3;
    const spread = (row: readonly number[]) => row.flatMap((value) => new Array<number>(side * side).fill(value));
    const images = samples(rows.map(spread), labels, [2, side, side]);
    const maps = await scoresOf(convolutional(weights, side), "obs", images);
    const vectors = await scoresOf(dense(weights), "obs", samples(rows, labels, [2]));
    maps.forEach((score, i) => {
      // Neighbours, which a product has not, are equal here but at the border, where padding tells them apart.
      expect(Math.abs(score / 9 - vectors[i]!)).toBeLessThanOrEqual(0.2 * vectors[i]!);
    });
  });
});
