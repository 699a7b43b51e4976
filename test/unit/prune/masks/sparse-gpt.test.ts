import { describe, expect, it } from "vitest";
import { type MaskPattern, maskWeights } from "../../../../src/prune/masks/index.ts";
import { inverseDiagonal, inverseFactor } from "../../../../src/prune/masks/inverse-factor.ts";
import { hessianFactor, sparseGpt, surgeonScores } from "../../../../src/prune/masks/sparse-gpt.ts";
import { seededRandom } from "../../../../src/tensor/index.ts";
import { correlated, feedsOf, linear, normals, outputError, weightOf } from "./layers.ts";

/** Inverse by Gauss and Jordan with pivoting: shares nothing with the code under test. */
function inverse(a: readonly (readonly number[])[]): number[][] {
  const n = a.length;
  const work = a.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let c = 0; c < n; c++) {
    const pivot = work
      .slice(c)
      .reduce((best, row, i) => (Math.abs(row[c]!) > Math.abs(work[best]![c]!) ? c + i : best), c);
    [work[c], work[pivot]] = [work[pivot]!, work[c]!];
    const scale = work[c]![c]!;
    work[c] = work[c]!.map((value) => value / scale);
    for (let r = 0; r < n; r++) {
      const factor = work[r]![c]!;
      if (r !== c) work[r] = work[r]!.map((value, k) => value - factor * work[c]![k]!);
    }
  }
  return work.map((row) => row.slice(n));
}

function gramOf(x: Float32Array, n: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (let at = 0; at < x.length; at += n)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gram[i * n + j]! += x[at + i]! * x[at + j]!;
  return gram;
}

/** H = 2 XXᵀ + λI as rows, λ a hundredth of the mean of the diagonal. */
function hessianOf(gram: Float64Array, n: number): number[][] {
  const mean = Array.from({ length: n }, (_, i) => 2 * gram[i * n + i]!).reduce((a, b) => a + b, 0) / n;
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => 2 * gram[i * n + j]! + (i === j ? 0.01 * mean : 0)),
  );
}

/** Optimal brain surgeon, column after column with a new inverse each time: what goes is made up for by all columns to its right. */
function surgeon(w: readonly number[], keep: readonly number[], h: readonly (readonly number[])[]): number[] {
  const out = [...w];
  for (let j = 0; j < w.length; j++) {
    if (keep[j] === 1) continue;
    const rest = inverse(h.slice(j).map((row) => row.slice(j)));
    const step = out[j]! / rest[0]![0]!;
    for (let k = j; k < w.length; k++) out[k]! -= step * rest[k - j]![0]!;
    out[j] = 0;
  }
  return out;
}

describe("the inverse factor", () => {
  // 70: two tiles and a part of one.
  it.each([1, 7, 70])("of %i columns is upper triangular, and its square is the inverse", (n) => {
    const h = hessianOf(gramOf(correlated(2 * n + 26, n), n), n);
    const u = inverseFactor(Float64Array.from(h.flat()), n);
    const expected = inverse(h);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const product = Array.from({ length: n }, (_, k) => u[k * n + i]! * u[k * n + j]!).reduce((a, b) => a + b, 0);
        expect(product).toBeCloseTo(expected[i]![j]!, 9);
        if (j < i) expect(u[i * n + j]).toBe(0);
      }
    inverseDiagonal(u, n).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]![i]!, 9);
    });
  });

  it("refuses what is not positive definite", () => {
    expect(() => inverseFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrowError(/no positive Hessian/);
  });
});

describe("SparseGPT", () => {
  it("with a given mask does what optimal brain surgeon does column by column", () => {
    const [rows, n] = [5, 12];
    const random = seededRandom(4, "given");
    const gram = gramOf(correlated(60, n), n);
    const start = Array.from(normals(random, rows * n));
    const keep = Uint8Array.from({ length: rows * n }, () => random.below(2));
    const weights = Float64Array.from(start);
    sparseGpt(weights, n, hessianFactor(gram.slice(), n, 0.01), { kind: "given", keep });
    const h = hessianOf(gram, n);
    for (let row = 0; row < rows; row++) {
      const own = (of: ArrayLike<number>) => Array.from(of).slice(row * n, (row + 1) * n);
      const expected = surgeon(own(start), own(keep), h);
      own(weights).forEach((value, j) => {
        expect(Math.abs(value - expected[j]!)).toBeLessThan(1e-6);
      });
    }
  });

  it("scores a weight by the error that is left after the best reaction to its end", () => {
    const n = 6;
    const gram = gramOf(correlated(50, n), n);
    const w = normals(seededRandom(5, "scores"), n);
    const scores = surgeonScores(Float64Array.from(w), hessianFactor(gram.slice(), n, 0.01), n);
    const h = hessianOf(gram, n);
    const all = inverse(h);
    for (let j = 0; j < n; j++) {
      const delta = all.map((row) => (-w[j]! * row[j]!) / all[j]![j]!);
      const loss = delta.reduce((sum, d, i) => sum + d * delta.reduce((own, e, k) => own + h[i]![k]! * e, 0), 0);
      expect(scores[j]! / loss).toBeCloseTo(1, 6);
    }
  });

  const patterns: MaskPattern[] = [
    { kind: "unstructured", sparsity: 0.5, scope: "layer" },
    { kind: "unstructured", sparsity: 0.8, scope: "layer" },
    { kind: "n-of-m", n: 2, m: 4 },
    { kind: "n-of-m", n: 4, m: 8 },
    { kind: "block", rows: 2, columns: 2, sparsity: 0.5 },
  ];
  it.each(patterns)("leaves less error than Wanda and than magnitudes: %j", async (pattern) => {
    const [outputs, inputs] = [24, 160]; // more columns than a block has
    const graph = linear(outputs, inputs);
    const x = correlated(512, inputs);
    const samples = feedsOf(x, [inputs], 100);
    const before = weightOf(graph, "fc.w");
    const errors: Record<string, number> = {};
    for (const criterion of ["magnitude", "wanda", "sparsegpt"] as const) {
      const { graph: sparse, layers } = await maskWeights(graph, pattern, { criterion, samples, threads: 1 });
      expect(layers[0]).toMatchObject({
        zeros: Math.round(("sparsity" in pattern ? pattern.sparsity : 0.5) * outputs * inputs),
      });
      errors[criterion] = outputError(before, weightOf(sparse, "fc.w"), x, inputs);
    }
    expect(errors.sparsegpt!).toBeLessThan(0.7 * errors.wanda!);
    expect(errors.wanda!).toBeLessThan(errors.magnitude!);
  });

  it("keeps what stays where no input was ever seen", async () => {
    const graph = linear(2, 4);
    const { graph: sparse } = await maskWeights(
      graph,
      { kind: "unstructured", sparsity: 0.5, scope: "layer" },
      { criterion: "sparsegpt", samples: feedsOf(new Float32Array(12), [4], 3), threads: 1 },
    );
    const [before, after] = [weightOf(graph, "fc.w"), weightOf(sparse, "fc.w")];
    const order = Array.from(before, (_, i) => i).sort((a, b) => Math.abs(before[a]!) - Math.abs(before[b]!));
    expect(order.map((i) => (after[i] === 0 ? 0 : after[i] === before[i] ? 1 : -1))).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });
});
