import { describe, expect, it } from "vitest";
import { leastScales, quantizeBias, quantizeWeight } from "../../../src/quantize/weights.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";

describe("quantizeWeight", () => {
  const random = seededRandom(1, "weights");
  const shape = [5, 3, 2, 2];
  const values = Float32Array.from({ length: 60 }, (_, i) => random.normal() * (1 + Math.floor(i / 12)));

  it("gives each output channel its own scale with the largest magnitude at 127", () => {
    const { data, scales } = quantizeWeight(float32(shape, values), 0);
    for (let o = 0; o < 5; o++) {
      const own = values.subarray(12 * o, 12 * o + 12);
      const peak = Math.max(...own.map(Math.abs));
      expect(scales[o]).toBeCloseTo(peak / 127, 7);
      expect(Math.max(...data.data.subarray(12 * o, 12 * o + 12).map(Math.abs))).toBe(127);
      const errors = own.map((value, i) => Math.abs(value - data.data[12 * o + i]! * scales[o]!));
      expect(Math.max(...errors)).toBeLessThanOrEqual(scales[o]! / 2 + 1e-7);
    }
  });

  it("works along an inner axis as along the first of the transposed weight", () => {
    const along = quantizeWeight(float32(shape, values), 1);
    const moved = new Float32Array(60);
    for (let o = 0; o < 5; o++)
      for (let i = 0; i < 3; i++) for (let k = 0; k < 4; k++) moved[(i * 5 + o) * 4 + k] = values[(o * 3 + i) * 4 + k]!;
    expect([...along.scales]).toEqual([...quantizeWeight(float32([3, 5, 2, 2], moved), 0).scales]);
  });

  it("uses one scale for all on request, and never -128", () => {
    const { data, scales } = quantizeWeight(
      float32(
        shape,
        values.map((value) => -Math.abs(value)),
      ),
      null,
    );
    expect(scales).toHaveLength(1);
    expect(Math.min(...data.data)).toBe(-127);
  });

  it("gives a channel of zeros a positive scale", () => {
    expect(quantizeWeight(float32([1, 4], [0, 0, 0, 0]), 0).scales[0]).toBeGreaterThan(0);
  });

  it("widens a scale where the bias would not fit into int32", () => {
    const bias = Float32Array.of(1000);
    const weight = float32([1, 2], [1e-9, 0]);
    const { scales } = quantizeWeight(weight, 0, { least: leastScales(bias, 0.01, 1) });
    const { data, scales: biasScales } = quantizeBias(bias, 0.01, scales);
    expect(Math.abs(data.data[0]! * biasScales[0]! - 1000)).toBeLessThan(1e-3);
  });
});

describe("quantizeBias", () => {
  it("has the scale input x weight", () => {
    const { data, scales } = quantizeBias(Float32Array.of(0.5, -0.25), 0.5, Float32Array.of(0.01, 0.02));
    expect(scales[1]).toBeCloseTo(0.01, 9);
    expect([...data.data]).toEqual([100, -25]);
  });
});
