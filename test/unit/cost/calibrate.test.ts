import { expect, test } from "vitest";
import {
  type Fitter,
  fittedErrors,
  heldOutErrors,
  heldOutNetworkRatioErrors,
  heldOutRatioErrors,
  type Observation,
} from "../../../src/cost/calibrate/cross-validate.ts";
import { dot, fitNonNegative, fitTowardsPooled } from "../../../src/cost/calibrate/least-squares.ts";
import { seededRandom } from "../../../src/tensor/index.ts";

const linear: Fitter = (rows) => {
  const c = fitNonNegative(
    rows.map((r) => r.features),
    rows.map((r) => r.target),
  );
  return (features) => dot(features, c);
};

test("exact data give back their coefficients", () => {
  const random = seededRandom(1, "rows");
  const rows = Array.from({ length: 20 }, () => [random.next(), random.next(), random.next()]);
  const truth = [3, 0.5, 7];
  const fitted = fitNonNegative(
    rows,
    rows.map((row) => dot(row, truth)),
  );
  fitted.forEach((value, i) => {
    expect(value).toBeCloseTo(truth[i] ?? Number.NaN, 8);
  });
});

test("a coefficient that would be negative is 0 and the others make up for it", () => {
  const rows = [
    [1, 1],
    [1, 2],
    [1, 3],
  ];
  const fitted = fitNonNegative(rows, [3, 2, 1]);
  expect(fitted[1]).toBe(0);
  expect(fitted[0]).toBeGreaterThan(1);
});

test("a column that no row uses gets the pooled rate", () => {
  const fitted = fitTowardsPooled(
    [
      [10, 0],
      [20, 0],
    ],
    [30, 60],
  );
  expect(fitted[0]).toBeCloseTo(3, 6);
  expect(fitted[1]).toBeCloseTo(3, 6);
});

test("held-out errors are of models that the fit has not seen", () => {
  const rows: Observation[] = [
    { features: [1], target: 1, group: "a" },
    { features: [2], target: 2, group: "a" },
    { features: [1], target: 2, group: "b" },
  ];
  expect(heldOutErrors(rows, linear).worst).toBeCloseTo(1, 6); // a is predicted by b's rate of 2
  expect(fittedErrors(rows, linear).worst).toBeLessThan(0.5);
});

test("a common factor cancels in ratios", () => {
  const row = (macs: number, factor: number, group: string): Observation => ({
    features: [macs],
    target: macs * factor,
    group,
    family: group,
  });
  const rows = [row(1, 1, "a"), row(2, 1, "a"), row(1, 2, "b"), row(3, 2, "b")];
  expect(heldOutErrors(rows, linear).worst).toBeGreaterThan(0.4);
  expect(heldOutRatioErrors(rows, linear)?.worst).toBeCloseTo(0, 8);
  expect(heldOutRatioErrors([row(1, 1, "a"), row(1, 2, "b")], linear)).toBeNull();
});

test("ratios of whole networks are the same for the same seed", () => {
  const random = seededRandom(2, "layers");
  const rows: Observation[] = Array.from({ length: 40 }, (_, i) => ({
    features: [1 + i],
    target: (1 + i) * (1 + 0.1 * random.normal()),
    group: `g${i % 4}`,
    family: "f",
  }));
  const run = () => heldOutNetworkRatioErrors(rows, linear, seededRandom(0, "x"), 10, 200);
  expect(run()).toEqual(run());
  expect(run()?.mean).toBeLessThan(0.1);
});
