import { describe, expect, it } from "vitest";
import { addValues, BINS, extremes, newHistogram } from "../../../src/quantize/histogram.ts";
import { affineInt8 } from "../../../src/quantize/parameters.ts";
import { type RangeMethod, rangeOf } from "../../../src/quantize/range-methods.ts";
import { seededRandom } from "../../../src/tensor/index.ts";

function histogramOf(...batches: Float32Array[]) {
  const histogram = newHistogram();
  for (const batch of batches) addValues(histogram, batch, extremes(batch)!, true);
  return histogram;
}

function normals(count: number, scale = 1): Float32Array {
  const random = seededRandom(3, "normals");
  return Float32Array.from({ length: count }, () => random.normal() * scale);
}

describe("affineInt8", () => {
  it("spans the range with zero exact", () => {
    for (const [low, high] of [
      [-1, 1],
      [0, 6],
      [-3.7, 0.2],
      [0.5, 2],
      [-2, -1],
    ] as const) {
      const { scale, zeroPoint } = affineInt8({ low, high });
      expect(Number.isInteger(zeroPoint) && zeroPoint >= -128 && zeroPoint <= 127).toBe(true);
      expect((-128 - zeroPoint) * scale).toBeLessThanOrEqual(Math.min(0, low) + scale / 2 + 1e-6);
      expect((127 - zeroPoint) * scale).toBeGreaterThanOrEqual(Math.max(0, high) - scale / 2 - 1e-6);
    }
  });

  it("gives what TFLite gives for ReLU6: scale 6/255, zero point -128", () => {
    expect(affineInt8({ low: 0, high: 6 })).toEqual({ scale: Math.fround(6 / 255), zeroPoint: -128 });
  });

  it("keeps a usable scale when there is nothing but zero", () => {
    expect(affineInt8({ low: 0, high: 0 })).toEqual({ scale: 1, zeroPoint: 0 });
  });

  it("errs by at most half a step inside the range", () => {
    const { scale, zeroPoint } = affineInt8({ low: -1.3, high: 2.1 });
    for (let x = -1.3; x <= 2.1; x += 0.01) {
      const q = Math.max(-128, Math.min(127, Math.round(x / scale) + zeroPoint));
      expect(Math.abs((q - zeroPoint) * scale - x)).toBeLessThanOrEqual(
        scale * 0.5001 + (x < -1.29 || x > 2.09 ? scale / 2 : 0),
      );
    }
  });
});

describe("histograms", () => {
  it("count every value once, whatever the order of the batches", () => {
    const small = normals(1000, 0.01);
    const large = normals(1000, 50);
    const a = histogramOf(small, large, new Float32Array(10));
    const b = histogramOf(new Float32Array(10), large, small);
    expect(a.limit).toBe(b.limit);
    expect(a.counts.reduce((x, y) => x + y, 0)).toBe(2010);
    expect([...a.counts].every((count, i) => count === b.counts[i])).toBe(true);
    expect([a.low, a.high]).toEqual([b.low, b.high]);
  });

  it("put values into the bin that holds them", () => {
    const histogram = histogramOf(Float32Array.of(-1, 0.25, 1));
    expect(histogram.limit).toBe(1);
    expect(histogram.counts[0]).toBe(1);
    expect(histogram.counts[BINS / 2 + BINS / 8]).toBe(1);
    expect(histogram.counts[BINS - 1]).toBe(1);
  });

  it("see values that are not finite", () => {
    expect(extremes(Float32Array.of(1, Number.NaN))).toBeNull();
    expect(extremes(Float32Array.of(1, Number.POSITIVE_INFINITY))).toBeNull();
  });
});

describe("range methods", () => {
  const values = normals(50_000);
  const outlier = histogramOf(values, Float32Array.of(40));

  it("minmax takes all", () => {
    expect(rangeOf(outlier, "minmax").high).toBe(40);
  });

  it.each(["percentile", "entropy"] as RangeMethod[])("%s gives an outlier up", (method) => {
    const { low, high } = rangeOf(outlier, method);
    expect(high).toBeLessThan(30);
    expect(high).toBeGreaterThan(2.5);
    expect(low).toBeLessThan(-2.5);
  });

  it("mse pays for an outlier only what it is worth", () => {
    // Full range: 50,000 (44 / 255)^2 / 12 = 124; at c the outlier costs (40 - c)^2, and the two balance near 36.
    const { high } = rangeOf(outlier, "mse");
    expect(high).toBeGreaterThan(35);
    expect(high).toBeLessThan(38);
  });

  it("percentile cuts off the stated share", () => {
    const { low, high } = rangeOf(histogramOf(values), "percentile", 0.01);
    const outside = values.filter((value) => value < low || value > high).length;
    expect(outside / values.length).toBeLessThanOrEqual(0.02);
    expect(outside / values.length).toBeGreaterThan(0.015);
  });

  it("mse is at most as wrong as minmax on the data itself", () => {
    const error = (method: RangeMethod) => {
      const { scale, zeroPoint } = affineInt8(rangeOf(outlier, method));
      return [...values, 40].reduce((sum, x) => {
        const q = Math.max(-128, Math.min(127, Math.round(x / scale) + zeroPoint));
        return sum + (x - (q - zeroPoint) * scale) ** 2;
      }, 0);
    };
    expect(error("mse")).toBeLessThan(error("minmax"));
  });

  it("entropy keeps most of a half-normal behind a ReLU", () => {
    const relu = values.map((value) => Math.max(0, value));
    const { low, high } = rangeOf(histogramOf(relu), "entropy");
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(2.5);
  });

  it.each(["minmax", "percentile", "mse", "entropy"] as RangeMethod[])(
    "%s holds zero and stays within the extremes",
    (method) => {
      const shifted = values.map((value) => 5 + value / 10);
      const { low, high } = rangeOf(histogramOf(shifted), method);
      expect(low).toBe(0);
      expect(high).toBeLessThanOrEqual(Math.max(...shifted));
    },
  );
});
