import { describe, expect, it } from "vitest";
import { cosine } from "../../../src/prune/criteria/cosine.ts";
import { fpgm } from "../../../src/prune/criteria/fpgm.ts";
import { eachProduct, squaresOf } from "../../../src/prune/criteria/products.ts";
import { cosines } from "../../../src/prune/criteria/redundancy.ts";
import { seededRandom } from "../../../src/tensor/index.ts";

const random = seededRandom(3, "products");
const row = (n: number, scale = 1) => Float32Array.from({ length: n }, () => scale * random.normal());

function plain(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < Math.min(a.length, b.length); k++) sum += a[k]! * b[k]!;
  return sum;
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < Math.max(a.length, b.length); k++) sum += ((a[k] ?? 0) - (b[k] ?? 0)) ** 2;
  return Math.sqrt(sum);
}

describe("inner products of all pairs", () => {
  // More rows than a block and more elements than a chunk, none a multiple of either.
  const rows = Array.from({ length: 205 }, (_, i) => row(i % 7 === 0 ? 300 : 521));

  it("are those of the pairs one by one, each once", () => {
    const seen = new Map<string, number>();
    let calls = 0;
    eachProduct(rows, (i, j, product) => {
      calls++;
      if (j <= i) seen.set(`${i},${j}`, product);
    });
    expect(calls).toBe(seen.size);
    expect(seen.size).toBe((205 * 206) / 2);
    let worst = 0;
    for (const [key, product] of seen) {
      const [i, j] = key.split(",").map(Number) as [number, number];
      worst = Math.max(worst, Math.abs(product - plain(rows[i]!, rows[j]!)));
    }
    expect(worst).toBeLessThan(1e-10);
  });

  it("of a row with itself are its squared length to the bit, and none of no rows or elements", () => {
    const squares = squaresOf(rows);
    eachProduct(rows, (i, j, product) => {
      if (i === j) expect(product).toBe(squares[i]);
    });
    expect(() =>
      eachProduct([], () => {
        throw new Error("no pair");
      }),
    ).not.toThrow();
    eachProduct([new Float32Array(0), new Float32Array(0)], (_, __, product) => expect(product).toBe(0));
  });
});

describe("distances from products", () => {
  it("are those of the differences, for rows far apart, close and equal", () => {
    const base = row(700, 100);
    const close = base.map((v, k) => (k === 5 ? v + 1e-4 : v));
    const rows = [base, Float32Array.from(base), close, row(700), row(300), new Float32Array(700)];
    const scores = fpgm.vectors(rows);
    const direct = rows.map((a) => rows.reduce((sum, b) => sum + distance(a, b), 0));
    rows.forEach((_, i) => {
      expect(scores[i]! / direct[i]!).toBeCloseTo(1, 12);
    });
    // Of two equal rows alone the distance is 0, not the root of what rounding leaves.
    expect(Array.from(fpgm.vectors([base, Float32Array.from(base)]))).toEqual([0, 0]);
    const small = fpgm.vectors([base, close]);
    expect(small[0]! / distance(base, close)).toBeCloseTo(1, 12);
  });
});

describe("cosines", () => {
  it("keep their sign; rows of zeros are like all", () => {
    const a = row(40);
    const like = cosines([a, a.map((v) => 2 * v), a.map((v) => -v), new Float32Array(40)]);
    expect(Array.from(like.subarray(0, 4))).toEqual([1, 1, -1, 1]);
  });

  it("over several weights are averaged where both units are in the weight", () => {
    const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const nothing = new Float32Array(0);
    // Units 0 and 1: alike in the first weight (1), apart in the second (0): 0.5. Unit 2 is only in the first, opposite to both.
    const minus = Float32Array.of(-1, 0);
    const scores = cosine.weights([
      [x, x, minus],
      [x, y, nothing],
    ]);
    expect(Math.min(...scores)).toBeCloseTo(0.5);
    expect(scores[2]).toBeCloseTo(2);
  });
});
