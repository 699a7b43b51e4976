import { describe, expect, it } from "vitest";
import { choleskyFactor, choleskySolve, inverseOf } from "../../../../src/prune/recover/cholesky.ts";
import { explainedVariance, fitWeights, type LinearMap, squaredError } from "../../../../src/prune/recover/fit.ts";
import { addRows, emptyGram, outputProduct, productOf } from "../../../../src/prune/recover/gram.ts";
import { openAdder } from "../../../../src/prune/recover/gram-adder.ts";
import { seededRandom } from "../../../../src/tensor/index.ts";

const random = seededRandom(1, "solver");
const normals = (n: number) => Float64Array.from({ length: n }, () => random.normal());

/** Gaussian elimination with pivots. */
function naiveSolve(a: Float64Array, n: number, b: Float64Array, m: number): Float64Array {
  const rows = Array.from({ length: n }, (_, i) => [...a.slice(i * n, (i + 1) * n), ...b.slice(i * m, (i + 1) * m)]);
  for (let k = 0; k < n; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]! / rows[k]![k]!;
      rows[i] = rows[i]!.map((value, j) => value - factor * rows[k]![j]!);
    }
  }
  return Float64Array.from(rows.flatMap((row, i) => row.slice(n).map((value) => value / row[i]!)));
}

/** Random symmetric positive definite. */
function gramOf(n: number): Float64Array {
  const x = normals(2 * n * n);
  return Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let r = 0; r < 2 * n; r++) sum += x[r * n + Math.floor(at / n)]! * x[r * n + (at % n)]!;
    return sum;
  });
}

const largest = (a: Float64Array, b: Float64Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

describe("Cholesky", () => {
  it.each([1, 2, 5, 17])("solves as elimination does, n = %i", (n) => {
    const a = gramOf(n);
    const b = normals(3 * n);
    const expected = naiveSolve(a, n, b, 3);
    const factor = a.slice();
    expect(choleskyFactor(factor, n)).toBe(true);
    choleskySolve(factor, n, b, 3);
    expect(largest(b, expected)).toBeLessThan(1e-9);
    const unit = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
    expect(largest(inverseOf(a, n)!, naiveSolve(a, n, unit, n))).toBeLessThan(1e-9);
  });

  it("refuses what is not positive definite", () => {
    expect(choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toBe(false);
    expect(inverseOf(Float64Array.of(1, 1, 1, 1), 2)).toBeNull();
    expect(choleskyFactor(Float64Array.of(Number.NaN), 1)).toBe(false);
  });
});

describe("least squares from sums of products", () => {
  const [features, outputs, rows] = [5, 2, 41];
  const block = Float64Array.from({ length: rows * (features + 1 + outputs) }, (_, at) =>
    at % (features + 1 + outputs) === features ? 1 : random.normal() + 0.5,
  );
  const width = features + 1 + outputs;
  const gram = emptyGram(features, outputs);
  addRows(gram, block.subarray(0, 22 * width), 22);
  addRows(gram, block.subarray(22 * width), rows - 22);
  const start = { weights: normals(features * outputs), bias: normals(outputs) };

  /** (y - x W - b)² summed row by row, with the ridge. */
  function objective({ weights, bias }: LinearMap, ridge: number): number {
    let sum = 0;
    for (let r = 0; r < rows; r++)
      for (let o = 0; o < outputs; o++) {
        let y = block[r * width + features + 1 + o]! - bias[o]!;
        for (let i = 0; i < features; i++) y -= block[r * width + i]! * weights[i * outputs + o]!;
        sum += y * y;
      }
    return sum + ridge * weights.reduce((own, w, i) => own + (w - start.weights[i]!) ** 2, 0);
  }

  it("says the squared error that the rows have", () => {
    expect(squaredError(gram, start)).toBeCloseTo(objective(start, 0), 9);
  });

  it("says the share of each output's variance that a map's outputs have", () => {
    const varianceOf = (values: readonly number[]) => {
      const mean = values.reduce((a, b) => a + b) / values.length;
      return values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    };
    const shares = explainedVariance(gram, start);
    for (let o = 0; o < outputs; o++) {
      const at = Array.from({ length: rows }, (_, r) => block.subarray(r * width, (r + 1) * width));
      const own = at.map((row) =>
        row.subarray(0, features).reduce((sum, v, i) => sum + v * start.weights[i * outputs + o]!, start.bias[o]!),
      );
      expect(shares[o]).toBeCloseTo(varianceOf(own) / varianceOf(at.map((row) => row[features + 1 + o]!)), 9);
    }
    const constant = emptyGram(1, 1);
    addRows(constant, Float64Array.of(1, 1, 3, 2, 1, 3), 2);
    expect([...explainedVariance(constant, { weights: Float64Array.of(1), bias: Float64Array.of(0) })]).toEqual([1]);
  });

  it.each([3, 40])("adds up products the same way in a loop and in ONNX Runtime (%i features)", async (many) => {
    const [other, wide] = [2, many + 1 + 2];
    const given = normals(30 * wide).map((value, at) => (at % wide === many ? 1 : value));
    const adder = await openAdder({ features: many, outputs: other }, { threads: 1 });
    const [found, expected] = [emptyGram(many, other), emptyGram(many, other)];
    try {
      // The second half lies in the middle of its memory.
      await adder.add(found, given.subarray(0, 13 * wide), 13);
      await adder.add(found, given.subarray(13 * wide), 17);
    } finally {
      await adder.close();
    }
    addRows(expected, given, 30);
    expect(found.rows).toBe(30);
    expect(largest(found.squares, expected.squares)).toBeLessThan(1e-9);
    for (let i = 0; i <= many; i++) {
      for (let j = 0; j <= many; j++) expect(productOf(found, i, j)).toBeCloseTo(productOf(expected, i, j), 9);
      for (let o = 0; o < other; o++) expect(outputProduct(found, i, o)).toBeCloseTo(outputProduct(expected, i, o), 9);
    }
  });

  it.each([true, false])("finds the least of error and ridge (with bias: %s)", (bias) => {
    const ridge = 0.1;
    let trace = 0;
    for (let i = 0; i < features; i++) {
      const column = Array.from({ length: rows }, (_, r) => block[r * width + i]!);
      const mean = bias ? column.reduce((a, b) => a + b) / rows : 0;
      trace += column.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    }
    const found = fitWeights(gram, start, { ridge, bias })!;
    const least = objective(found, (ridge * trace) / features);
    for (let i = 0; i < features * outputs + (bias ? outputs : 0); i++)
      for (const step of [-1e-3, 1e-3]) {
        const moved = { weights: found.weights.slice(), bias: found.bias.slice() };
        if (i < features * outputs) moved.weights[i]! += step;
        else moved.bias[i - features * outputs]! += step;
        expect(objective(moved, (ridge * trace) / features)).toBeGreaterThan(least);
      }
    expect(found.bias.join() === start.bias.join()).toBe(!bias);
  });

  it("is the update of Optimal Brain Surgeon: W_K = W_K - [(H^-1)_KS] [(H^-1)_SS]^-1 W_S", () => {
    const gone = [1, 4];
    const kept = [0, 2, 3];
    const ridge = 0.7;
    const h = new Float64Array(features * features);
    for (let i = 0; i < features; i++)
      for (let j = 0; j < features; j++) {
        for (let r = 0; r < rows; r++) h[i * features + j]! += block[r * width + i]! * block[r * width + j]!;
        if (i === j) h[i * features + j]! += ridge;
      }
    const inverse = inverseOf(h, features)!;
    const part = (p: readonly number[], q: readonly number[]) =>
      Float64Array.from(p.flatMap((i) => q.map((j) => inverse[i * features + j]!)));
    const removed = Float64Array.from(gone.flatMap((i) => [...start.weights.slice(i * outputs, (i + 1) * outputs)]));
    const solved = naiveSolve(part(gone, gone), gone.length, removed, outputs);
    const cross = part(kept, gone);
    const expected = Float64Array.from(
      kept.flatMap((i, a) =>
        Array.from({ length: outputs }, (_, o) => {
          const moved = gone.reduce((sum, _, g) => sum + cross[a * gone.length + g]! * solved[g * outputs + o]!, 0);
          return start.weights[i * outputs + o]! - moved;
        }),
      ),
    );
    // The same rows without the features that go, and as outputs what the layer gave with them.
    const small = emptyGram(kept.length, outputs);
    let trace = 0;
    for (let r = 0; r < rows; r++) {
      const x = block.subarray(r * width, r * width + features);
      const y = Array.from({ length: outputs }, (_, o) =>
        x.reduce((sum, v, i) => sum + v * start.weights[i * outputs + o]!, 0),
      );
      addRows(small, Float64Array.from([...kept.map((i) => x[i]!), 1, ...y]), 1);
      trace += kept.reduce((sum, i) => sum + x[i]! ** 2, 0);
    }
    const sliced = {
      weights: Float64Array.from(kept.flatMap((i) => [...start.weights.slice(i * outputs, (i + 1) * outputs)])),
      bias: new Float64Array(outputs),
    };
    const found = fitWeights(small, sliced, { ridge: (ridge * kept.length) / trace, bias: false })!;
    expect(largest(found.weights, expected)).toBeLessThan(1e-9);
  });
});
