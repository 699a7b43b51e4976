import { describe, expect, it } from "vitest";
import { convolutional, dense, samples, scoresOf, type TinyWeights } from "./tiny.ts";

describe("ThiNet", () => {
  // Contributions to the outputs: units 0 and 1 cancel, unit 2 is small, unit 3 large.
  const weights: TinyWeights = {
    make: [
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ],
    read: [
      [4, -4, 0.5, 3],
      [4, -4, 0.5, 3],
    ],
  };
  const data = samples(
    Array.from({ length: 40 }, (_, i) => [1 + (i % 5), 1 + (i % 3)]),
    Array.from({ length: 40 }, (_, i) => i % 2),
    [2],
  );

  it("removes what adds least to the next layer's error, and then what cancels it", async () => {
    const order = await scoresOf(dense(weights), "thinet", data);
    expect(order[2]).toBe(0);
    expect(order[3]).toBe(1);
    expect([order[0], order[1]].sort()).toEqual([2, 3]);
    const large: TinyWeights = { ...weights, read: weights.read.map(([a, b, c]) => [a!, b!, c!, 50]) };
    // After unit 2 (0.5 y), unit 0 adds 16 x^2 + 4 xy and unit 1 adds 16 x^2 - 4 xy; then unit 0 cancels unit 1.
    expect(await scoresOf(dense(large), "thinet", data)).toEqual([2, 1, 0, 3]);
  });

  it("sees convolutions as it sees products", async () => {
    const side = 3;
    const images = samples(
      Array.from({ length: 20 }, (_, i) => [
        ...new Array<number>(9).fill(1 + (i % 5)),
        ...new Array<number>(9).fill(1 + (i % 3)),
      ]),
      Array.from({ length: 20 }, (_, i) => i % 2),
      [2, side, side],
    );
    const large: TinyWeights = { ...weights, read: weights.read.map(([a, b, c]) => [a!, b!, c!, 50]) };
    expect(await scoresOf(convolutional(large, side), "thinet", images)).toEqual([2, 1, 0, 3]);
  });
});
