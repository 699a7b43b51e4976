import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type ValueId, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { toFloat32 } from "../tensor/index.ts";
import { addChannels, type ChannelSums } from "./channel-means.ts";
import { addValues, extremes, type Histogram, newHistogram } from "./histogram.ts";
import type { Range } from "./parameters.ts";
import { observedValues, planQuantization } from "./plan.ts";
import { type RangeMethod, rangeOf } from "./range-methods.ts";
import { MCU_SCHEME, type QuantizationScheme } from "./scheme.ts";

/** Runs a graph; what `openOrt` of src/runtimes gives. */
export interface GraphSession {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** How `calibrate` runs the graph and chooses ranges. */
export interface ObserveOptions {
  /** Loads a graph into the runtime that computes the activations. */
  readonly open: (graph: Graph) => Promise<GraphSession>;
  /** The scheme that the graph will be quantised with: it decides which values are looked at. Default MCU_SCHEME. */
  readonly scheme?: QuantizationScheme;
  /** False keeps extremes only, which is all that "minmax" needs, and no channel means; default true. */
  readonly histograms?: boolean;
  readonly onProgress?: (batches: number) => void;
}

export interface RangeOptions {
  /** Default "minmax". */
  readonly method?: RangeMethod;
  /** Of "percentile": the share of values cut off at each end; default 1e-4. */
  readonly tail?: number;
}

/** How `calibrate` runs the graph and chooses ranges. */
export type CalibrationOptions = Omit<ObserveOptions, "histograms"> & RangeOptions;

/** Range of each activation, by value name. */
export type Ranges = ReadonlyMap<string, Range>;

/** Mean of each channel (axis 1) of an activation, by value name. */
export type ChannelMeans = ReadonlyMap<string, Float64Array>;

/** What is known of an activation: its distribution, enough for ranges by any method, and the sums of its channels. */
export interface Observation {
  readonly histogram: Readonly<Histogram>;
  readonly channels: Readonly<ChannelSums>;
}

/** By value name. */
export type Observations = ReadonlyMap<string, Observation>;

/** Input tensors of the graph by name, or the tensor of its only input. */
export type CalibrationBatch = Tensor | Readonly<Record<string, Tensor>>;

type Batches = Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>;

/** `observe` and `rangesFrom` in one, for a single method. */
export async function calibrate(graph: Graph, batches: Batches, options: CalibrationOptions): Promise<Ranges> {
  return rangesFrom(
    await observe(graph, batches, {
      ...options,
      histograms: options.method !== undefined && options.method !== "minmax",
    }),
    options,
  );
}

/** Ranges from what was observed; "minmax" by default. */
export function rangesFrom(observations: Observations, options: RangeOptions = {}): Ranges {
  const { method = "minmax", tail } = options;
  return new Map([...observations].map(([name, { histogram }]) => [name, rangeOf(histogram, method, tail)]));
}

/** Mean of each channel of each activation, for correcting biases; activations without a channel axis are absent. */
export function channelMeansFrom(observations: Observations): ChannelMeans {
  const known = [...observations].filter(([, { channels }]) => channels.count > 0);
  return new Map(known.map(([name, { channels }]) => [name, channels.sums.map((sum) => sum / channels.count)]));
}

/**
 * Runs the float graph over batches with every activation as an output, and collects each one's distribution. Memory: one
 * batch of activations and a histogram of 8,192 bins a value. Throws EspalierError "input" when there is no batch, and
 * "runtime" when an activation is not finite, naming it.
 */
export async function observe(graph: Graph, batches: Batches, options: ObserveOptions): Promise<Observations> {
  const { scheme = MCU_SCHEME, histograms: binned = true } = options;
  const observed = observedValues(graph, planQuantization(graph, scheme));
  const inputs = new Set(graph.inputs);
  const computed = observed.filter((id) => !inputs.has(id));
  const session = await options.open(withOutputs(graph, computed));
  const observations = new Map(
    observed.map((id) => {
      const channels: ChannelSums = { sums: new Float64Array(0), count: 0 };
      return [valueById(graph, id).name, { histogram: newHistogram(), channels }];
    }),
  );
  let count = 0;
  try {
    for await (const batch of batches) {
      const feeds = feedsOf(graph, batch);
      const results = computed.length === 0 ? {} : await session.run(feeds);
      for (const [name, { histogram, channels }] of observations) {
        const tensor = results[name] ?? feeds[name];
        record(histogram, name, tensor, binned);
        if (binned) addChannels(channels, tensor!);
      }
      count += 1;
      options.onProgress?.(count);
    }
  } finally {
    await session.close();
  }
  if (count === 0) throw new EspalierError("input", "Calibration needs at least one batch, got none");
  return observations;
}

/** The graph with the given values as its outputs (those of the graph when there is none: a session needs one). */
function withOutputs(graph: Graph, values: readonly ValueId[]): Graph {
  if (values.length === 0) return graph;
  const builder = editGraph(graph);
  builder.setOutputs(values);
  return builder.build();
}

function feedsOf(graph: Graph, batch: CalibrationBatch): Readonly<Record<string, Tensor>> {
  if (!("dtype" in batch && "shape" in batch && "data" in batch)) return batch as Readonly<Record<string, Tensor>>;
  const names = graph.inputs.map((id) => valueById(graph, id).name);
  if (names.length !== 1)
    throw new EspalierError(
      "usage",
      `The graph has ${names.length} inputs (${names.join(", ")}), a batch gave one tensor`,
      {
        hint: "Give the tensors by name.",
      },
    );
  return { [names[0]!]: batch as Tensor };
}

function record(histogram: Histogram, name: string, tensor: Tensor | undefined, binned: boolean): void {
  if (tensor === undefined) throw new EspalierError("input", `Calibration got no tensor for "${name}"`);
  const values = toFloat32(tensor);
  if (values.length === 0) return;
  const range = extremes(values);
  if (range === null) {
    throw new EspalierError("runtime", `Activation "${name}" is not finite on the calibration data`, {
      hint: "Check the data's normalisation, and that the model was trained on the same.",
    });
  }
  addValues(histogram, values, range, binned);
}
