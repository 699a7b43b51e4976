import { type Graph, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { fromNumbers, toNumbers } from "../../tensor/index.ts";
import { biasOf, biasPlace, scaleVariance } from "./bias-place.ts";
import type { Collected } from "./collect.ts";
import { explainedVariance, fitBias, fitWeights, type LinearMap, squaredError } from "./fit.ts";
import type { Gram } from "./gram.ts";
import type { LinearLayer } from "./linear-layer.ts";

/** What is fitted: the biases alone, or the weights with the biases. */
export interface RefitOptions {
  readonly what: "bias" | "least-squares";
  readonly ridge: number;
  readonly addBias: boolean;
  /** Whether the batch normalisation behind a layer divides by the variance that is left. */
  readonly variance: boolean;
}

/** What became of a layer; errors are root of squared error over root of squared outputs, on the samples that are held back. */
export interface Refit {
  readonly graph: Graph;
  readonly before: number;
  readonly after: number;
  /** Why the layer is left as it was; absent where it was fitted. */
  readonly reason?: string;
}

/** The graph with the layer fitted to its sums, if that makes less error on the samples that are held back. `layer` is one of `graph`. */
export function refit(graph: Graph, layer: LinearLayer, sums: Collected, options: RefitOptions): Refit {
  const old = mapsOf(graph, layer);
  const before = errorOf(sums.held, old);
  const left = (reason: string): Refit => ({ graph, before, after: before, reason });
  const place = biasPlace(graph, layer, options.addBias);
  if (options.what === "bias" && place === null) return left("it has no bias, and none may be added");
  const fitted = old.map((map, group) =>
    options.what === "bias"
      ? fitBias(sums.fit[group]!, map)
      : fitWeights(sums.fit[group]!, map, { ridge: options.ridge, bias: place !== null }),
  );
  if (fitted.some((map) => map === null)) return left("its inputs depend on one another: give a larger ridge");
  const stored = (fitted as LinearMap[]).map(asFloat32);
  const after = errorOf(sums.held, stored);
  if (!(after < before)) return left("fitting makes no less error on samples that are held back");
  const builder = editGraph(graph);
  if (options.what === "least-squares") builder.setConstant(layer.weight, weightOf(graph, layer, stored));
  const delta = Float64Array.from(
    stored.flatMap(({ bias }, group) => [...bias.map((b, o) => b - old[group]!.bias[o]!)]),
  );
  if (place !== null && delta.some((value) => value !== 0)) place(builder, delta);
  const fittedGraph = builder.build();
  if (!options.variance) return { graph: fittedGraph, before, after };
  const shares = stored.flatMap((map, group) => [...explainedVariance(sums.fit[group]!, map)]);
  return { graph: scaleVariance(fittedGraph, layer, shares), before, after };
}

/** The layer's weights and biases, a map for each group. */
function mapsOf(graph: Graph, layer: LinearLayer): LinearMap[] {
  const { groups, features, outputs, place, scale } = layer;
  const values = toNumbers(valueById(graph, layer.weight).data!);
  const bias = biasOf(graph, layer) as Float64Array;
  return Array.from({ length: groups }, (_, group) => ({
    weights: Float64Array.from(
      { length: features * outputs },
      (_, i) => scale * values[place(group, Math.floor(i / outputs), i % outputs)]!,
    ),
    bias: bias.slice(group * outputs, (group + 1) * outputs),
  }));
}

/** The maps as the layer's constant. */
function weightOf(graph: Graph, layer: LinearLayer, maps: readonly LinearMap[]) {
  const { features, outputs, place, scale } = layer;
  const { dtype, shape, data } = valueById(graph, layer.weight).data!;
  const values = new Array<number>(data.length);
  maps.forEach(({ weights }, group) => {
    for (let i = 0; i < features * outputs; i++)
      values[place(group, Math.floor(i / outputs), i % outputs)] = weights[i]! / scale;
  });
  return fromNumbers(dtype, shape, values);
}

/** As float32 keeps it. */
function asFloat32({ weights, bias }: LinearMap): LinearMap {
  return { weights: Float64Array.from(Float32Array.from(weights)), bias: Float64Array.from(Float32Array.from(bias)) };
}

function errorOf(grams: readonly Gram[], maps: readonly LinearMap[]): number {
  let [error, squares] = [0, 0];
  grams.forEach((gram, group) => {
    error += squaredError(gram, maps[group]!);
    squares += gram.squares.reduce((sum, own) => sum + own, 0);
  });
  return squares === 0 ? 0 : Math.sqrt(error / squares);
}
