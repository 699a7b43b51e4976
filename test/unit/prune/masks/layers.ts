import type { Graph } from "../../../../src/ir/index.ts";
import { newBuilder } from "../../../../src/ops/index.ts";
import type { Feeds, MaskedWeights, MaskRow } from "../../../../src/prune/masks/index.ts";
import { float32, type Random, seededRandom, toNumbers } from "../../../../src/tensor/index.ts";

/** Numbers of a constant by name. */
export function weightOf(graph: Graph, name: string): Float64Array {
  const value = [...graph.values.values()].find((other) => other.name === name);
  return toNumbers(value!.data!);
}

export function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** x [N, inputs] -> Gemm fc (weight [outputs, inputs]). */
export function linear(outputs: number, inputs: number): Graph {
  const g = newBuilder("linear");
  const x = g.input("x", { dtype: "float32", shape: ["N", inputs] });
  const w = g.constant("fc.w", float32([outputs, inputs], normals(seededRandom(1, "linear"), outputs * inputs)));
  g.output(g.node("Gemm", [x, w], { transB: 1 }, { name: "fc" }));
  return g.build();
}

/** Inputs that depend on one another, row by row, and differ in size: a random walk times a scale. */
export function correlated(rows: number, inputs: number, seed = 3): Float32Array {
  const random = seededRandom(seed, "correlated");
  const x = new Float32Array(rows * inputs);
  for (let i = 0; i < rows; i++) {
    let walk = random.normal();
    for (let j = 0; j < inputs; j++) {
      walk = 0.9 * walk + 0.45 * random.normal();
      x[i * inputs + j] = walk * (1 + (j % 5));
    }
  }
  return x;
}

/** The same samples in batches of `size`. */
export function feedsOf(rows: Float32Array, shape: readonly number[], size: number): () => Iterable<Feeds> {
  const each = shape.reduce((a, b) => a * b, 1);
  return function* () {
    for (let at = 0; at < rows.length; at += size * each) {
      const own = rows.subarray(at, at + size * each);
      yield { x: float32([own.length / each, ...shape], own) };
    }
  };
}

/** ‖W X - Ŵ X‖² for rows x of X, W and Ŵ [outputs, inputs]. */
export function outputError(w: ArrayLike<number>, other: ArrayLike<number>, x: Float32Array, inputs: number): number {
  const outputs = w.length / inputs;
  let total = 0;
  for (let at = 0; at < x.length; at += inputs)
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let j = 0; j < inputs; j++) sum += (w[o * inputs + j]! - other[o * inputs + j]!) * x[at + j]!;
      total += sum * sum;
    }
  return total;
}

export function rowOf({ layers }: MaskedWeights, node: string): MaskRow {
  return layers.find((layer) => layer.node === node)!;
}
