import { type Graph, valueById } from "../ir/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import { fisherDiagonal, type TrainingData, weightGradients } from "../train/index.ts";
import { CRITERIA, type Criterion, type CriterionName } from "./criteria/index.ts";
import type { PruneGroups } from "./group-types.ts";
import { dataBatches, observeUnits } from "./observe-units.ts";
import { sampleProducts } from "./sample-products.ts";

/** What is known about weights and units from data. */
export interface CriterionEvidence {
  /** Mean gradient of the loss with respect to each weight, by weight name, shaped as the weight. Weights without one do not count. */
  readonly gradients?: ReadonlyMap<string, Tensor>;
  /** Diagonal of the Fisher information, by weight name, shaped as the weight. */
  readonly fisher?: ReadonlyMap<string, Tensor>;
  /** For criteria that look at samples or activations, by criterion name: scores of each group (by id) at each place where it is seen. */
  readonly observed?: ReadonlyMap<string, ReadonlyMap<number, readonly Float64Array[]>>;
}

/** Which samples are looked at, and with how many threads. */
export interface EvidenceOptions {
  /** Samples to look at; default what each way of collecting has as its own (512 for gradients, 256 for others, 32 for ranks of maps). */
  readonly samples?: number;
  /** Which samples Fisher information and sample gradients draw; default 0. */
  readonly seed?: number;
  /** Threads of ONNX Runtime; default all. */
  readonly threads?: number;
}

/** Collects what a criterion needs from labelled samples; nothing for criteria of weights alone. */
export async function gatherEvidence(
  graph: Graph,
  groups: PruneGroups,
  criterion: CriterionName | Criterion,
  data: TrainingData,
  options: EvidenceOptions = {},
): Promise<CriterionEvidence> {
  const chosen = typeof criterion === "string" ? CRITERIA[criterion] : criterion;
  const { samples, ...rest } = options;
  const wanted = samples === undefined ? {} : { samples };
  if (chosen.needs === "gradients") return { gradients: await weightGradients(graph, data, wanted) };
  if (chosen.needs === "fisher") {
    const shapes = new Map([...graph.values.values()].map(({ id, name }) => [name, id]));
    const diagonal = await fisherDiagonal(graph, data, { ...wanted, ...rest });
    const shaped = ([name, values]: [string, Float32Array]): [string, Tensor] => [
      name,
      float32(valueById(graph, shapes.get(name)!).data!.shape, values),
    ];
    return { fisher: new Map([...diagonal].map(shaped)) };
  }
  if (chosen.kind === "samples") {
    const products = sampleProducts(graph, groups, chosen);
    await fisherDiagonal(graph, data, { ...wanted, ...rest, accumulate: products.add });
    return { observed: new Map([[chosen.name, products.scores()]]) };
  }
  if (chosen.kind !== "activations") return {};
  const count = Math.min(samples ?? chosen.samples ?? 256, data.length);
  const scores = await observeUnits(graph, groups, chosen, dataBatches(graph, data, count), rest);
  return { observed: new Map([[chosen.name, scores]]) };
}
