import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type ValueId, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { openOrt } from "../runtimes/index.ts";
import { type Tensor, toFloat32 } from "../tensor/index.ts";
import type { TrainingData } from "../train/index.ts";
import type { Accumulator, ActivationCriterion, ObservedBatch } from "./criteria/index.ts";
import { expandFamily, supportOf } from "./family.ts";
import type { PruneGroups } from "./group-types.ts";
import { type PlacedSite, sitesOf } from "./sites.ts";

/** Samples with their classes, the tensors by input name. */
export interface LabelledBatch {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly labels: Int32Array;
}

/** The first samples of a data set for a graph of one input: in batches of 16, or of the graph's own fixed batch (whole ones only). */
export function* dataBatches(graph: Graph, data: TrainingData, samples: number): Generator<LabelledBatch> {
  const { name, type } = valueById(graph, graph.inputs[0]!);
  const fixed = type.shape[0];
  const size = typeof fixed === "number" ? fixed : Math.min(16, samples);
  for (let at = 0; at < samples; at += size) {
    const end = typeof fixed === "number" ? at + size : Math.min(samples, at + size);
    if (end > data.length) return;
    const indices = Int32Array.from({ length: end - at }, (_, i) => at + i);
    yield { feeds: { [name]: data.batch(indices) }, labels: indices.map((index) => data.labels[index]!) };
  }
}

interface Watched {
  readonly group: number;
  readonly place: PlacedSite;
  readonly accumulator: Accumulator;
}

/**
 * Runs the graph over batches with the activations that carry prunable units as outputs, and lets the criterion look at each. Returns, by group id,
 * the scores at each site; groups of which it sees nothing are absent. Memory: the activations of one batch and what the criterion keeps.
 */
export async function observeUnits(
  graph: Graph,
  groups: PruneGroups,
  criterion: ActivationCriterion,
  batches: Iterable<LabelledBatch>,
  options: { readonly threads?: number } = {},
): Promise<Map<number, Float64Array[]>> {
  const watched = groups.groups.flatMap((group) =>
    sitesOf(graph, groups, group, criterion.sites).map(
      (place): Watched => ({ group: group.id, place, accumulator: criterion.start(graph, place.site) }),
    ),
  );
  if (watched.length === 0) return new Map();
  const values = [...new Set(watched.map(({ place }) => place.site.value))];
  const builder = editGraph(graph);
  builder.setOutputs(values);
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const session = await openOrt(builder.build(), { spinning: false, ...threads });
  let count = 0;
  try {
    for (const { feeds, labels } of batches) {
      const results = await session.run(feeds);
      for (const { place, accumulator } of watched)
        accumulator.add(observed(place, results[nameOf(graph, place.site.value)]!, labels));
      count++;
    }
  } finally {
    await session.close();
  }
  if (count === 0)
    throw new EspalierError("input", `Criterion "${criterion.name}" needs at least one batch of samples, got none`);
  const scores = new Map<number, Float64Array[]>();
  for (const { group, accumulator } of watched) {
    const own = accumulator.scores();
    if (own !== null) scores.set(group, [...(scores.get(group) ?? []), own]);
  }
  return scores;
}

function nameOf(graph: Graph, value: ValueId): string {
  return valueById(graph, value).name;
}

/** The elements of each unit, gathered from one run. Axis 0 holds samples, unless units lie along it. */
function observed({ site, placed }: PlacedSite, tensor: Tensor, labels: Int32Array): ObservedBatch {
  const batched = placed.every((family) => family.shape[0] === 1);
  const samples = batched ? tensor.shape[0]! : 1;
  const shape = batched ? [1, ...tensor.shape.slice(1)] : tensor.shape;
  const unitOf = unitsIn(placed, shape);
  const counts = new Uint32Array(site.units);
  for (const unit of unitOf) if (unit >= 0) counts[unit]!++;
  const units = Array.from(counts, (length) => new Float32Array(length * samples));
  const values = toFloat32(tensor);
  const ends = new Uint32Array(site.units);
  for (let at = 0, i = 0; at < values.length; at++, i = i + 1 === unitOf.length ? 0 : i + 1) {
    const unit = unitOf[i]!;
    if (unit >= 0) units[unit]![ends[unit]!++] = values[at]!;
  }
  const length = Math.max(...counts);
  const free = shape.map((size, axis) => ({ size, axis })).filter(({ size }) => size > 1);
  const tracked = new Set(placed.flatMap(supportOf));
  const last = free.filter(({ axis }) => !tracked.has(axis)).at(-1)?.size ?? free.at(-1)?.size ?? 1;
  const columns = length % last === 0 ? last : length;
  const each = Math.max(1, Math.floor(samples / Math.max(1, labels.length)));
  const spread = Int32Array.from({ length: samples }, (_, i) => labels[Math.floor(i / each)] ?? 0);
  return { samples, units, map: [length / columns, columns], tensor, unitOf, labels: spread };
}

/** The unit of each element of `shape`: that of the first index tensor which names one. */
function unitsIn(placed: PlacedSite["placed"], shape: readonly number[]): Int32Array {
  const spread = placed.map((family) => expandFamily(family, shape).ids);
  return spread.reduce((merged, ids) => merged.map((unit, i) => (unit >= 0 ? unit : ids[i]!)));
}
