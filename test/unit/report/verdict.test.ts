import { describe, expect, test } from "vitest";
import { judge, judgeProof, overallVerdict, type ProofFacts, wilsonInterval } from "../../../src/report/index.ts";
import { requirement } from "./samples.ts";

const predicted = { kind: "predicted", errorPercent: 20, how: "Model.", source: "profile" } as const;
const proof: ProofFacts = {
  id: "p",
  title: "p",
  difference: 1e-5,
  tolerance: 1e-4,
  unit: "absolute",
  samples: 4,
  runtime: "r",
};

describe("judge", () => {
  test("a measured row is decided by its value, and the limit itself passes", () => {
    expect(judge(requirement({ value: 64 }))).toMatchObject({ verdict: "pass", margin: { absolute: 0, percent: 0 } });
    expect(judge(requirement({ value: 65 }))).toMatchObject({ verdict: "fail", margin: { absolute: -1 } });
    expect(judge(requirement({ value: 48 }))).toMatchObject({ verdict: "pass", margin: { absolute: 16, percent: 25 } });
  });

  test("a predicted row passes only when the pessimistic end holds", () => {
    const close = judge(requirement({ value: 55, evidence: predicted }));
    expect(close).toMatchObject({ verdict: "fail", pessimistic: 66, interval: [44, 66], decidedBy: "pessimistic" });
    expect(close.margin?.absolute).toBe(-2);
    expect(judge(requirement({ value: 50, evidence: predicted })).verdict).toBe("pass");
    expect(judge(requirement({ value: 55, evidence: predicted, decidedBy: "value" })).verdict).toBe("fail");
  });

  test("an explicit interval goes before the error in percent", () => {
    const row = judge(requirement({ value: 55, interval: [54, 63], evidence: predicted }));
    expect(row).toMatchObject({ verdict: "pass", pessimistic: 63 });
  });

  test("at least: the low end is the pessimistic one", () => {
    const floor = requirement({
      comparison: ">=",
      limit: 0.9,
      value: 0.91,
      unit: "ratio",
      evidence: { ...predicted, errorPercent: 2 },
    });
    expect(judge(floor)).toMatchObject({ verdict: "fail", pessimistic: 0.91 - 0.0182 });
    expect(judge({ ...floor, value: 0.93 }).verdict).toBe("pass");
  });

  test("equal: only the exact figure passes", () => {
    const none = requirement({ comparison: "==", limit: 0, value: 0, unit: "count" });
    expect(judge(none)).toMatchObject({ verdict: "pass", margin: { absolute: 0, percent: null } });
    expect(judge({ ...none, value: 1 })).toMatchObject({ verdict: "fail", margin: { absolute: -1 } });
    expect(judge({ ...none, interval: [0, 2], evidence: predicted })).toMatchObject({
      verdict: "fail",
      pessimistic: 2,
    });
  });

  test("a measured row whose interval crosses the limit passes with a caution, or fails when it asks to be strict", () => {
    const close = requirement({ value: 60, interval: [55, 70] });
    expect(judge(close)).toMatchObject({ verdict: "pass", caution: expect.stringContaining("70") });
    expect(judge({ ...close, decidedBy: "pessimistic" }).verdict).toBe("fail");
    expect(judge(requirement({ value: 60, interval: [55, 62] })).caution).toBeUndefined();
  });

  test("a simulated row with a spread is decided by its pessimistic end", () => {
    const evidence = { kind: "simulated", how: "Planner.", source: "planner" } as const;
    expect(judge(requirement({ evidence })).decidedBy).toBe("value");
    expect(judge(requirement({ evidence, interval: [30, 70] })).verdict).toBe("fail");
  });

  test("no figure fails; only a stated reason makes a row not applicable", () => {
    expect(judge(requirement({ value: null }))).toMatchObject({ verdict: "fail", margin: null });
    const skipped = judge(requirement({ value: null, notApplicable: "The profile has no flash." }));
    expect(skipped).toMatchObject({ verdict: "not-applicable", margin: null });
  });

  test("contradicting figures are a bug, not a verdict", () => {
    expect(() => judge(requirement({ value: Number.NaN }))).toThrow("not finite");
    expect(() => judge(requirement({ interval: [50, 60] }))).toThrow("outside its interval");
    expect(() => judge(requirement({ interval: [60, 30] }))).toThrow("outside its interval");
    const bare = { kind: "predicted", how: "Model.", source: "profile" } as const;
    expect(() => judge(requirement({ evidence: bare }))).toThrow("neither an interval nor an error");
  });
});

describe("overallVerdict", () => {
  const pass = judge(requirement());
  const fail = judge(requirement({ title: "Peak RAM", value: 70 }));
  const agreed = judgeProof(proof);

  test("passes with exit code 0 when all holds", () => {
    expect(overallVerdict([pass, pass], [agreed], undefined)).toEqual({
      result: "pass",
      exitCode: 0,
      sentence: "All 2 requirements hold, and the one proof agrees.",
    });
  });

  test("a broken requirement is quoted, exit code 2", () => {
    expect(overallVerdict([pass, fail], [agreed], undefined)).toEqual({
      result: "fail",
      exitCode: 2,
      sentence: "1 of 2 requirements does not hold: Peak RAM 70\u00a0B is above the limit of 64\u00a0B.",
    });
  });

  test("a proof that disagrees, or could not run, fails the whole", () => {
    expect(judgeProof({ ...proof, difference: 1e-4 }).pass).toBe(true);
    expect(overallVerdict([pass], [judgeProof({ ...proof, difference: 2e-4 })], undefined).exitCode).toBe(2);
    expect(overallVerdict([pass], [judgeProof({ ...proof, difference: null })], undefined).exitCode).toBe(2);
  });

  test("an eligible layer that is not sparse, or was not checked, fails the whole", () => {
    const layer = { node: "conv", eligible: true, zeros: 8, weights: 16 };
    const verdict = (layers: object[]) =>
      overallVerdict([pass], [agreed], { pattern: "2:4", layers: layers as (typeof layer)[] }).exitCode;
    expect(verdict([{ ...layer, valid: true }])).toBe(0);
    expect(verdict([{ ...layer, valid: false }])).toBe(2);
    expect(verdict([layer])).toBe(2);
    expect(verdict([{ ...layer, eligible: false, reason: "too small" }])).toBe(0);
  });

  test("nothing to judge is no pass", () => {
    const skipped = judge(requirement({ value: null, notApplicable: "none" }));
    expect(overallVerdict([], [agreed], undefined).exitCode).toBe(2);
    expect(overallVerdict([skipped], [], undefined).sentence).toBe(
      "No requirement applied, so nothing was established.",
    );
  });
});

describe("wilsonInterval", () => {
  // figures of the closed form, computed apart in 50-digit arithmetic
  test.each([
    [4500, 5000, 0.891375, 0.908011],
    [0, 10, 0, 0.277533],
    [10, 10, 0.722467, 1],
    [1, 2, 0.094531, 0.905469],
  ])("%i of %i", (right, n, low, high) => {
    const interval = wilsonInterval(right, n);
    expect(interval[0]).toBeCloseTo(low, 5);
    expect(interval[1]).toBeCloseTo(high, 5);
  });

  test("no sample says nothing", () => expect(wilsonInterval(0, 0)).toEqual([0, 1]));
});
