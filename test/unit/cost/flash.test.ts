import { describe, expect, test } from "vitest";
import { operatorCode } from "../../../src/cost/flash/estimate.ts";
import { MEASURED_SETS } from "../../../src/cost/flash/sizes.ts";
import { estimateFlash, FLASH_KERNELS } from "../../../src/cost/index.ts";

describe.each(FLASH_KERNELS)("%s", (kernels) => {
  test("a set that was linked is exact, and the parts add up", () => {
    for (const { operators, bytes } of MEASURED_SETS) {
      const estimate = estimateFlash(50_000, operators, kernels);
      expect(estimate.isMeasured).toBe(true);
      expect(estimate.operators.bytes).toBe(bytes[FLASH_KERNELS.indexOf(kernels)]);
      expect(estimate.totalBytes).toBe(50_000 + 10_676 + estimate.operators.bytes);
      expect(estimate.lowBytes).toBe(estimate.totalBytes);
    }
  });

  test("the bounds hold for every measured set when it is left out", () => {
    for (const { operators, bytes } of MEASURED_SETS) {
      const truth = bytes[FLASH_KERNELS.indexOf(kernels)] ?? 0;
      const others = MEASURED_SETS.filter((set) => set.operators !== operators);
      const { expected, low, high } = operatorCode(new Set(operators), kernels, others);
      expect(low).toBeLessThanOrEqual(truth);
      expect(high).toBeGreaterThanOrEqual(truth);
      expect(Math.abs(expected / truth - 1)).toBeLessThan(0.2);
    }
  });

  test("more operators never lower the bounds", () => {
    const some = estimateFlash(0, ["CONV_2D", "FULLY_CONNECTED"], kernels);
    const more = estimateFlash(0, ["CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "LOGISTIC"], kernels);
    expect(more.lowBytes).toBeGreaterThanOrEqual(some.lowBytes);
    expect(more.highBytes).toBeGreaterThan(some.highBytes);
    expect(some.lowBytes).toBeLessThanOrEqual(some.totalBytes);
    expect(some.totalBytes).toBeLessThanOrEqual(some.highBytes);
  });
});

test("an operator without a measured size is named", () => {
  expect(() => estimateFlash(0, ["CONV_3D"], "reference")).toThrow(/CONV_3D/);
});
