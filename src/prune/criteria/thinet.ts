import { type Graph, valueById } from "../../ir/index.ts";
import { contextOf } from "../../ops/index.ts";
import { seededRandom, toFloat32 } from "../../tensor/index.ts";
import type { Accumulator, ActivationCriterion, Consumer, ObservedBatch, Site } from "./criterion.ts";

/** Random outputs of the next layer that are looked at in each sample (Luo et al. take 10 positions an image). */
const POINTS = 10;

/**
 * Order of removal by ThiNet's greedy rule: of the units left, the next to go is the one that adds least to the squared error of the next layer's outputs,
 * sum over points of (sum over removed units of their contribution)^2 (Luo et al., ThiNet: A Filter Level Pruning Method, 2017). The score of the k-th to
 * go is k. Sees consumers that are ungrouped two-dimensional convolutions or products with a weight on the last axis.
 */
export const thinet: ActivationCriterion = {
  kind: "activations",
  name: "thinet",
  says: "order of greedy removal by the next layer's error",
  needs: "activations",
  sites: "consumers",
  samples: 128,
  start: (graph, site) => greedyAccumulator(graph, site),
};

/** Adds one unit's contribution to an output that is drawn, for each unit, to a row. */
type Sampler = (tensor: Float32Array, sample: number, batch: ObservedBatch, row: Float64Array) => void;

function greedyAccumulator(graph: Graph, site: Site): Accumulator {
  const n = site.units;
  const samplers = site.consumers.flatMap((consumer) => samplerOf(graph, consumer) ?? []);
  const gram = new Float64Array(n * n);
  return {
    add: (batch) => {
      const values = toFloat32(batch.tensor);
      const row = new Float64Array(n);
      for (const sampler of samplers)
        for (let sample = 0; sample < batch.samples; sample++)
          for (let point = 0; point < POINTS; point++) {
            row.fill(0);
            sampler(values, sample, batch, row);
            for (let i = 0; i < n; i++)
              if (row[i] !== 0) for (let j = 0; j < n; j++) gram[i * n + j]! += row[i]! * row[j]!;
          }
    },
    scores: () => (samplers.length === 0 ? null : removalOrder(gram, n)),
  };
}

/** The step (from 0) at which each unit goes; `gram` holds the products of the units' contributions, summed over points. */
export function removalOrder(gram: Float64Array, n: number): Float64Array {
  const order = new Float64Array(n);
  const left = new Set(Array.from({ length: n }, (_, i) => i));
  // Product of each unit's contribution with that of all removed ones.
  const withGone = new Float64Array(n);
  for (let step = 0; step < n; step++) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const i of left) {
      const added = 2 * withGone[i]! + gram[i * n + i]!;
      if (best < 0 || added < least) [best, least] = [i, added];
    }
    order[best] = step;
    left.delete(best);
    for (const i of left) withGone[i]! += gram[i * n + best]!;
  }
  return order;
}

function samplerOf(graph: Graph, { node, weight }: Consumer): Sampler | null {
  const data = valueById(graph, weight).data!;
  const w = toFloat32(data);
  const random = seededRandom(0, `thinet/${node.name}`);
  if (node.op === "Conv" && data.shape.length === 4 && valueById(graph, node.inputs[0]!).type.shape.length === 4) {
    const attrs = contextOf(graph, node).attrs as unknown as ConvAttributes;
    return attrs.group === 1 ? convolutionSampler(graph, node.outputs[0]!, data.shape, w, attrs, random) : null;
  }
  const transposed =
    node.op === "Gemm" ? (contextOf(graph, node).attrs as unknown as { readonly transB: number }).transB === 1 : false;
  if ((node.op !== "Gemm" && node.op !== "MatMul") || node.inputs[1] !== weight || data.shape.length !== 2) return null;
  const [inputs, outputs] = transposed ? [data.shape[1]!, data.shape[0]!] : [data.shape[0]!, data.shape[1]!];
  return (values, sample, batch, row) => {
    const vectors = values.length / batch.samples / inputs;
    const from = (sample * vectors + random.below(vectors)) * inputs;
    const first = from % batch.unitOf.length;
    const o = random.below(outputs);
    for (let i = 0; i < inputs; i++) {
      const unit = batch.unitOf[first + i]!;
      if (unit >= 0) row[unit]! += values[from + i]! * w[transposed ? o * inputs + i : i * outputs + o]!;
    }
  };
}

interface ConvAttributes {
  readonly group: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

function convolutionSampler(
  graph: Graph,
  output: number,
  [outputs, channels, height, width]: readonly number[],
  w: Float32Array,
  { strides, dilations, pads }: ConvAttributes,
  random: ReturnType<typeof seededRandom>,
): Sampler | null {
  const [, , rows, columns] = valueById(graph, output).type.shape;
  if (typeof rows !== "number" || typeof columns !== "number") return null;
  return (values, sample, batch, row) => {
    const [, , h, v] = batch.tensor.shape as readonly [number, number, number, number];
    const o = random.below(outputs!);
    const top = random.below(rows) * (strides[0] ?? 1) - (pads[0] ?? 0);
    const left = random.below(columns) * (strides[1] ?? 1) - (pads[1] ?? 0);
    for (let c = 0; c < channels!; c++) {
      const unit = batch.unitOf[c * h * v]!;
      if (unit < 0) continue;
      let sum = 0;
      for (let ky = 0; ky < height!; ky++) {
        const y = top + ky * (dilations[0] ?? 1);
        if (y < 0 || y >= h) continue;
        for (let kx = 0; kx < width!; kx++) {
          const x = left + kx * (dilations[1] ?? 1);
          if (x < 0 || x >= v) continue;
          sum +=
            values[((sample * channels! + c) * h + y) * v + x]! *
            w[((o * channels! + c) * height! + ky) * width! + kx]!;
        }
      }
      row[unit]! += sum;
    }
  };
}
