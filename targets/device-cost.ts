import {
  type ArenaPlan,
  compareLatency,
  type DeviceProfile,
  estimateFlash,
  type FlashEstimate,
  type LatencyBreakdown,
  type LatencyComparison,
  listWork,
  planArena,
  planPeakActivations,
  predictLatency,
} from "../src/cost/index.ts";
import { encodeTflite, type TfliteModel } from "../src/formats/tflite/codec/index.ts";
import { type Graph, valueById } from "../src/ir/index.ts";
import { macsOf } from "../src/ops/index.ts";
import type { Costs } from "../src/search/index.ts";
import { DTYPES } from "../src/tensor/index.ts";
import type { Target } from "./target.ts";

/** What a float graph costs on a device once it is deployed there. */
export interface DeviceCost {
  readonly macs: number;
  readonly parameters: number;
  /** Null where latency is measured, not predicted. */
  readonly latency: LatencyBreakdown | null;
  /** Working memory: TFLM's arena (the least that AllocateTensors takes), or the peak of live activations elsewhere. */
  readonly ramBytes: number;
  readonly arena: ArenaPlan | null;
  /** Bytes of the file; on a microcontroller also the runtime's code. */
  readonly flash: FlashEstimate | null;
  readonly modelBytes: number;
}

/** Turns a float graph into the TFLite model whose memory is planned; ranges do not matter for sizes. */
export type LowerForMemory = (graph: Graph) => TfliteModel;

export interface CostOptions {
  readonly target: Target;
  readonly profile: DeviceProfile;
  readonly lower: LowerForMemory;
  /** Names of the nodes whose weights will hold a 2:4 pattern. */
  readonly sparse24?: (graph: Graph) => ReadonlySet<string>;
}

/** Trainable and constant floating-point numbers of a graph. */
export function parametersOf(graph: Graph): number {
  let count = 0;
  for (const value of graph.values.values())
    if (value.data !== undefined && DTYPES[value.type.dtype].float && value.type.shape.length > 0)
      count += value.data.data.length;
  return count;
}

/** Multiply-accumulates of one sample. */
export function totalMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0);
}

/** Costs of a graph on the device that a profile describes. */
export function deviceCost(graph: Graph, options: CostOptions): DeviceCost {
  const { target, profile } = options;
  const precision = profile.deploy.precision;
  const work = listWork(graph, {
    precision,
    fuseResidual: target.fusesResidual,
    ...(options.sparse24 === undefined ? {} : { sparse24: options.sparse24(graph) }),
  });
  const latency = profile.class === "cpu" ? null : predictLatency(work, profile);
  const parameters = parametersOf(graph);
  const base = { macs: totalMacs(graph), parameters, latency };
  if (profile.class !== "mcu") {
    return {
      ...base,
      ramBytes: peakOf(graph, precision),
      arena: null,
      flash: null,
      modelBytes: work.reduce((sum, layer) => sum + layer.weightBytes, 0),
    };
  }
  const model = options.lower(graph);
  const arena = planArena(model, {
    abi: profile.tflm.abi,
    kernels: profile.tflm.kernels,
    simd: profile.tflm.simd,
  });
  const modelBytes = encodeTflite(model).length;
  const opcodes = model.subgraphs.flatMap((subgraph) => subgraph.operators.map((operator) => operator.opcode));
  return {
    ...base,
    ramBytes: arena.minArena,
    arena,
    flash: estimateFlash(modelBytes, opcodes, profile.tflm.flashKernels),
    modelBytes,
  };
}

const BYTES = { float32: 4, float16: 2, int8: 1 } as const;

/** Most bytes of activations alive at one node: its inputs, its outputs and whatever a later node still needs. One sample. */
function peakOf(graph: Graph, precision: keyof typeof BYTES): number {
  const live = new Map<number, { bytes: number; first: number; last: number }>();
  const touch = (id: number, step: number) => {
    const { type, data } = valueById(graph, id);
    if (data !== undefined) return;
    const known = live.get(id);
    const bytes = type.shape.reduce((a: number, d) => a * (typeof d === "number" ? d : 1), BYTES[precision]);
    live.set(id, known === undefined ? { bytes, first: step, last: step } : { ...known, last: step });
  };
  for (const id of graph.inputs) touch(id, 0);
  graph.nodes.forEach((node, step) => {
    for (const id of [...node.inputs, ...node.outputs]) if (id !== null) touch(id, step);
  });
  for (const id of graph.outputs) touch(id, graph.nodes.length);
  return planPeakActivations([...live.values()]).bytes;
}

/** How a latency limit is meant. */
export type LatencyBasis =
  | "total" // all of a run, floor included: what a limit in milliseconds means
  | "work"; // compute and memory only: what a share of the original means, because no cut reduces the launch floor

/** Predicted compute-and-memory time as a share of the original's, with the interval of a ratio of two predictions on one device. */
export function workRatio(
  original: DeviceCost,
  cost: DeviceCost,
  profile: DeviceProfile,
): LatencyComparison["work"] | null {
  return original.latency === null || cost.latency === null
    ? null
    : compareLatency(original.latency, cost.latency, profile).work;
}

/** The costs as the search compares them: the pessimistic end of each prediction. A share of the original is expressed in the original's milliseconds. */
export function searchCosts(
  cost: DeviceCost,
  basis: LatencyBasis,
  original: DeviceCost,
  profile: DeviceProfile,
): Costs {
  const ratio = workRatio(original, cost, profile);
  const seconds =
    cost.latency === null
      ? 0
      : basis === "total"
        ? cost.latency.interval.highSeconds
        : ratio!.high * original.latency!.workSeconds;
  return {
    latencyMs: seconds * 1000,
    flashBytes: cost.flash?.highBytes ?? cost.modelBytes,
    ramBytes: cost.ramBytes,
    macs: cost.macs,
    parameters: cost.parameters,
  };
}
