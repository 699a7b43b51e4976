import { describe, expect, it } from "vitest";
import { augment, mixUp, oneHot } from "../../../src/data/index.ts";
import { float32, type Random, seededRandom } from "../../../src/tensor/index.ts";

/** A source of chosen draws, so that each transformation can be checked against one worked out by hand. */
function scripted(below: number[], next: number[]): Random {
  const real = seededRandom(0);
  return { ...real, below: () => below.shift()!, next: () => next.shift()! };
}

// biome-ignore format: two channels of 3x3, as they look
const image = float32([1, 2, 3, 3], [
  1, 2, 3,
  4, 5, 6,
  7, 8, 9,

  10, 20, 30,
  40, 50, 60,
  70, 80, 90,
]);

describe("augment", () => {
  it("shifts with zeros from outside", () => {
    // Draws: dy = 2 - 1 = 1, dx = 0 - 1 = -1, no flip, no cutout.
    const out = augment(image, scripted([2, 0, 0, 0], [1]), { shift: 1 });
    expect(Array.from(out.data.subarray(0, 9))).toEqual([0, 4, 5, 0, 7, 8, 0, 0, 0]);
    expect(Array.from(out.data.subarray(9))).toEqual([0, 40, 50, 0, 70, 80, 0, 0, 0]);
    expect(out.shape).toEqual(image.shape);
  });

  it("shifts right to left too, and beyond the image leaves only the fill", () => {
    const out = augment(image, scripted([1, 2, 0, 0], [1]), { shift: 1, fill: [-1, -2] });
    expect(Array.from(out.data.subarray(0, 9))).toEqual([2, 3, -1, 5, 6, -1, 8, 9, -1]);
    expect(Array.from(out.data.subarray(9, 12))).toEqual([20, 30, -2]);
    for (const dx of [0, 10]) {
      const gone = augment(image, scripted([5, dx, 0, 0], [1]), { shift: 5 });
      expect(gone.data.every((v) => v === 0)).toBe(true);
    }
  });

  it("mirrors left and right", () => {
    const out = augment(image, scripted([0, 0, 0, 0], [0.4]), { flip: 0.5 });
    expect(Array.from(out.data.subarray(0, 9))).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
    expect(augment(image, scripted([0, 0, 0, 0], [0.5]), { flip: 0.5 }).data).toEqual(image.data);
  });

  it("blanks a square, cut off at the border", () => {
    // Centre at row 0, column 2, side 2: rows -1..0, columns 1..2.
    const out = augment(image, scripted([0, 0, 0, 2], [1]), { cutout: 2, fill: [7] });
    expect(Array.from(out.data.subarray(0, 9))).toEqual([1, 7, 7, 4, 5, 6, 7, 8, 9]);
    expect(Array.from(out.data.subarray(9))).toEqual([10, 7, 7, 40, 50, 60, 70, 80, 90]);
  });

  it("leaves its input alone, repeats for the same seed, and draws anew for each image", () => {
    const before = Float32Array.from(image.data);
    const many = float32([64, 2, 3, 3], Array.from({ length: 64 }, () => Array.from(image.data)).flat());
    const of = (seed: number) => augment(many, seededRandom(seed), { shift: 1, flip: 0.5, cutout: 1 }).data;
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(image.data).toEqual(before);
    const distinct = new Set(
      Array.from({ length: 64 }, (_, n) =>
        of(1)
          .slice(n * 18, n * 18 + 18)
          .join(),
      ),
    );
    expect(distinct.size).toBeGreaterThan(20);
    expect(augment(many, seededRandom(1), {}).data).toEqual(many.data);
  });

  it.each([
    [{ shift: -1 }, "shift -1"],
    [{ shift: 0.5 }, "shift 0.5"],
    [{ flip: 1.5 }, "flip 1.5"],
    [{ cutout: Number.NaN }, "cutout NaN"],
    [{ fill: [1, 2, 3] }, "3 fill values for 2 channels"],
  ])("refuses %j", (options, message) => {
    expect(() => augment(image, seededRandom(0), options)).toThrow(message);
  });

  it("refuses what is not images", () => {
    expect(() => augment(float32([2, 2], [1, 2, 3, 4]), seededRandom(0), {})).toThrow("got [2, 2]");
  });
});

describe("mixUp", () => {
  const images = float32([4, 1, 1, 1], [0, 1, 2, 3]);
  const targets = oneHot([0, 1, 2, 3], 4);

  it("mixes images and targets by the same weight", () => {
    const mixed = mixUp(images, targets, seededRandom(6), 1);
    for (let n = 0; n < 4; n++) {
      const row = mixed.targets.data.subarray(n * 4, n * 4 + 4);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      expect(row.reduce((sum, p, c) => sum + p * c, 0)).toBeCloseTo(mixed.images.data[n]!, 5);
    }
    expect(mixed.images.data).not.toEqual(images.data);
    expect(mixUp(images, targets, seededRandom(6), 1)).toEqual(mixed);
    expect(mixUp(images, targets, seededRandom(6), 0)).toEqual({ images, targets });
  });

  it.each([
    [0.2, 1 / (4 * 1.4)],
    [1, 1 / 12],
    [4, 1 / 36],
  ])(
    "for alpha %d draws weights of mean 1/2 and variance %d, as Beta(alpha, alpha) has: 1 / (4 (2 alpha + 1))",
    (alpha, variance) => {
      // One image against a zero partner shows the weight; the permutation of two is the identity half of the time.
      const pair = float32([2, 1, 1, 1], [1, 0]);
      const random = seededRandom(11);
      const weights: number[] = [];
      while (weights.length < 4000) {
        const { images: out, targets: t } = mixUp(pair, oneHot([0, 1], 2), random, alpha);
        if (t.data[0] !== 1 || out.data[1] !== 0) weights.push(out.data[0]!);
      }
      const mean = weights.reduce((a, b) => a + b, 0) / weights.length;
      const spread = weights.reduce((a, w) => a + (w - mean) ** 2, 0) / weights.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
      expect(Math.abs(spread / variance - 1)).toBeLessThan(0.08);
    },
  );

  it("refuses labels and alphas that make no sense", () => {
    expect(() => oneHot([4], 4)).toThrow("Label 4 for 4 classes");
    expect(() => mixUp(images, targets, seededRandom(0), -1)).toThrow("alpha -1");
    expect(() => mixUp(images, targets, seededRandom(0), Number.NaN)).toThrow("alpha NaN");
  });
});
