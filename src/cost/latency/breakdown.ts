import type { Calibration } from "../profile/index.ts";
import type { LayerKind, LayerWork } from "../work.ts";

/** What time is spent on. `dispatch` is the launch floor of a kernel or operator; `fallback` is work that the device hands to its host CPU. */
export const CAUSES = ["compute", "weights", "activations", "fallback", "dispatch"] as const;

export type Cause = (typeof CAUSES)[number];

export type SecondsByCause = Readonly<Record<Cause, number>>;

/** Predicted time of one node for the whole batch, split by cause: the causes add up to the node's time. */
export interface NodeLatency {
  readonly node: string;
  readonly op: string;
  readonly kind: LayerKind;
  readonly seconds: SecondsByCause;
  /** True where 2:4 kernels are used. */
  readonly sparse24: boolean;
  /** Why the node does not run on the accelerator, null when it does. */
  readonly fallbackReason: string | null;
}

/** Where the true time is expected to lie, and where that expectation comes from. */
export interface Interval {
  readonly lowSeconds: number;
  readonly highSeconds: number;
  /** e of [t / (1 + e), t / (1 - e)]. */
  readonly relativeError: number;
  readonly basis: Calibration["basis"];
  readonly source: string;
}

/** A prediction as sums that can be added again: by node, by cause, and floor apart from work. */
export interface LatencyBreakdown {
  readonly profile: string;
  readonly batch: number;
  readonly nodes: readonly NodeLatency[];
  /** Sums over the nodes. */
  readonly causes: SecondsByCause;
  /** Fixed cost of one run, whatever the network: not part of any node. */
  readonly inferenceFloorSeconds: number;
  /** Compute and memory: compute + weights + activations + fallback. What pruning can reduce. */
  readonly workSeconds: number;
  /** Launches: dispatch + inference floor. */
  readonly floorSeconds: number;
  /** workSeconds + floorSeconds. */
  readonly totalSeconds: number;
  readonly interval: Interval;
}

export const ZERO_SECONDS: SecondsByCause = { compute: 0, weights: 0, activations: 0, fallback: 0, dispatch: 0 };

/** One node's entry; causes not given are 0. */
export function nodeLatency(
  layer: LayerWork,
  seconds: Partial<SecondsByCause>,
  extra: { readonly sparse24?: boolean; readonly fallbackReason?: string } = {},
): NodeLatency {
  return {
    node: layer.node,
    op: layer.op,
    kind: layer.kind,
    seconds: { ...ZERO_SECONDS, ...seconds },
    sparse24: extra.sparse24 ?? false,
    fallbackReason: extra.fallbackReason ?? null,
  };
}

/**
 * Splits a layer's time when its traffic runs beside its compute: the time is the longest of `compute` and the streams, compute is charged in full and
 * only the memory time that it does not hide goes to weights and activations, in proportion to their streams.
 */
export function hideBehindCompute(
  compute: number,
  weights: number,
  activations: number,
  memory: number,
): Partial<SecondsByCause> {
  const exposed = Math.max(0, memory - compute);
  const streams = weights + activations;
  if (exposed === 0 || streams === 0) return { compute };
  return { compute, weights: (exposed * weights) / streams, activations: (exposed * activations) / streams };
}

/** Adds the nodes up and attaches the interval of the profile's calibration. */
export function summarize(
  profile: string,
  batch: number,
  nodes: readonly NodeLatency[],
  inferenceFloorSeconds: number,
  calibration: Calibration,
): LatencyBreakdown {
  const causes = { ...ZERO_SECONDS } as Record<Cause, number>;
  for (const node of nodes) for (const cause of CAUSES) causes[cause] += node.seconds[cause];
  const workSeconds = causes.compute + causes.weights + causes.activations + causes.fallback;
  const floorSeconds = causes.dispatch + inferenceFloorSeconds;
  const totalSeconds = workSeconds + floorSeconds;
  return {
    profile,
    batch,
    nodes,
    causes,
    inferenceFloorSeconds,
    workSeconds,
    floorSeconds,
    totalSeconds,
    interval: intervalOf(totalSeconds, calibration),
  };
}

/**
 * The interval of a time t predicted with relative error e = |t - true| / true: the true time lies in [t / (1 + e), t / (1 - e)]. The errors in
 * profiles are measured against the true time, so the upper side is the wider one.
 */
export function intervalOf(seconds: number, calibration: Calibration): Interval {
  const e = calibration.intervalError;
  return {
    lowSeconds: seconds / (1 + e),
    highSeconds: seconds / (1 - e),
    relativeError: e,
    basis: calibration.basis,
    source: calibration.source,
  };
}
