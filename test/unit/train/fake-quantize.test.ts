import { describe, expect, it } from "vitest";
import { newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/index.ts";
import { float32, roundHalfEven, seededRandom, sizeOf } from "../../../src/tensor/index.ts";
import {
  addFakeQuantize,
  addGradients,
  addLearnedStep,
  fakeQuantizeComposites,
  stepAfter,
} from "../../../src/train/index.ts";

const [LOW, HIGH] = [-5, 10];

/** y = fake quantisation of x, and the gradients of sum(y * seed). */
async function run(shape: number[], stepShape: number[], steps: number[], xs: Float32Array, seeds: Float32Array) {
  const b = newBuilder("fake");
  const x = b.input("x", { dtype: "float32", shape });
  const seed = b.input("seed", { dtype: "float32", shape });
  const { growth, step } = addLearnedStep(b, "own", float32(stepShape, steps));
  const y = addFakeQuantize(b, x, step, { low: LOW, high: HIGH }, { name: "fake", result: "y" });
  const composites = fakeQuantizeComposites(b, [y], new Set(stepShape.length === 0 ? [] : [y]));
  const [dx, dGrowth] = addGradients(b, y, [x, growth], { seed, composites });
  b.setOutputs([y, dx!, dGrowth!]);
  const results = Object.values(await runOnce(b.build(), { x: float32(shape, xs), seed: float32(shape, seeds) }));
  return results.map(({ data }) => Array.from(data as Float32Array));
}

function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(expected[i]!)));
  });
}

const drawn = (shape: number[], label: string, size = 1) => {
  const random = seededRandom(5, label);
  return Float32Array.from({ length: sizeOf(shape) }, () => size * random.normal());
};

describe("fake quantisation", () => {
  it("rounds half to even between its levels, and cuts off what lies beyond", async () => {
    const xs = Float32Array.of(0, 0.124, 0.126, 0.125, 0.375, -0.125, 99, -99);
    const [y] = await run([1, 8], [], [0.25], xs, new Float32Array(8));
    expect(y!.map((value) => value / 0.25 + 0)).toEqual([0, 0, 1, 0, 2, 0, HIGH, LOW]);
  });

  it("passes gradients straight through inside, and none outside", async () => {
    const shape = [2, 40];
    const [xs, seeds] = [drawn(shape, "x", 3), drawn(shape, "seed")];
    const [, dx] = await run(shape, [], [0.5], xs, seeds);
    const inside = Array.from(xs, (x) => Math.round(x / 0.5) >= LOW && Math.round(x / 0.5) <= HIGH);
    expect(new Set(inside).size).toBe(2);
    close(
      dx!,
      inside.map((within, i) => (within ? seeds[i]! : 0)),
    );
  });

  it.each([
    ["one step for a batch", [2, 40], [], [0.5]],
    ["a step a channel of a weight", [4, 5, 3], [4, 1, 1], [0.1, 0.3, 0.5, 0.9]],
  ])("gives the gradient of %s as the paper of learned step sizes does", async (_, shape, stepShape, steps) => {
    const [xs, seeds] = [drawn(shape, "x", 3), drawn(shape, "seed")];
    const [, , dGrowth] = await run(shape, stepShape, steps, xs, seeds);
    const inner = xs.length / steps.length;
    const expected = steps.map((step, c) => {
      let slope = 0;
      for (let i = c * inner; i < (c + 1) * inner; i++) {
        const v = xs[i]! / step;
        const own = Math.round(v) < LOW ? LOW : Math.round(v) > HIGH ? HIGH : roundHalfEven(v) - v;
        slope += seeds[i]! * own;
      }
      // n: the values of a sample, or the weights of the slice. In steps of the logarithm: over the initial step.
      const n = stepShape.length === 0 ? shape[1]! : inner;
      return slope / Math.sqrt(n * HIGH) / step;
    });
    close(dGrowth!, expected);
  });

  it("has the slope of the function whose rounding error is held still", async () => {
    // y(s) = s (v + e) inside with e = round(v) - v held, s k outside: what equation 3 is the derivative of.
    const shape = [1, 64];
    const [xs, seeds] = [drawn(shape, "x", 3), drawn(shape, "seed")];
    const at = 0.5;
    const [, , dGrowth] = await run(shape, [], [at], xs, seeds);
    const level = (x: number) => Math.max(LOW, Math.min(HIGH, roundHalfEven(x / at)));
    const error = (x: number) => (level(x) === roundHalfEven(x / at) ? level(x) - x / at : null);
    const loss = (s: number) =>
      xs.reduce((sum, x, i) => sum + seeds[i]! * (error(x) === null ? s * level(x) : x + s * error(x)!), 0);
    const slope = (loss(at + 1e-4) - loss(at - 1e-4)) / 2e-4;
    close(dGrowth!, [slope / Math.sqrt(64 * HIGH) / at]);
  });

  it("keeps a step positive and finite wherever its parameter goes", () => {
    expect([...stepAfter([0.5, 0.5, 0.5], [0, -1e9, 1e9])].map((s) => s / 0.5)).toEqual([
      1,
      expect.closeTo(Math.exp(-4), 6),
      expect.closeTo(Math.exp(4), 4),
    ]);
  });
});
