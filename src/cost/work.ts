/** Which cost rule a layer falls under; `grouped` is a convolution with 1 < groups < channels. */
export type LayerKind =
  | "conv"
  | "pointwise"
  | "depthwise"
  | "grouped"
  | "fc"
  | "pool"
  | "elementwise"
  | "movement"
  | "reduce"
  | "softmax"
  | "other";

/**
 * What one operator does to one sample: the whole of what the latency models know of a graph. All figures are per sample (batch 1); the models
 * multiply by the batch. Bytes are at the precision that will run.
 */
export interface LayerWork {
  /** Name of the node, as the report prints it. */
  readonly node: string;
  /** Operator in ONNX's vocabulary ("Conv", "Relu"...). */
  readonly op: string;
  readonly kind: LayerKind;
  /** Multiply-accumulates (dense count: a 2:4 layer carries the same number). */
  readonly macs: number;
  /** Bytes of all activation inputs. */
  readonly inputBytes: number;
  /** Bytes of constant inputs: weights and bias. */
  readonly weightBytes: number;
  readonly outputBytes: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  /** [height, width]; [1, 1] where there is no window. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** [height, width] of the output; [tokens, 1] for a matrix product. */
  readonly outputSize: readonly [number, number];
  /** Bytes of one activation element. */
  readonly bytesPerElement: number;
  /** The weights hold 2:4 structured zeros. */
  readonly sparse24: boolean;
  /**
   * The operator may run inside the one that makes its first input, which has no other consumer: an activation, or a residual Add. Devices differ in what they merge: see
   * `runsInsideProducer`.
   */
  readonly fused: boolean;
}

/** Output positions of one sample: height x width. */
export function outputPositions(layer: LayerWork): number {
  return layer.outputSize[0] * layer.outputSize[1];
}

/** Smallest multiple of `quantum` that is at least `count`. */
export function roundUp(count: number, quantum: number): number {
  return Math.ceil(count / quantum) * quantum;
}

/** Input channels that one output channel reads: inChannels / groups. */
export function reductionChannels(layer: LayerWork): number {
  return layer.inChannels / layer.groups;
}

/**
 * Whether a layer costs no launch of its own on a device. Activations run inside their producer everywhere; residual Adds, which read a second tensor, only where the
 * runtime merges them (GPU engines do, TFLM and Vela run an ADD of its own).
 */
export function runsInsideProducer(layer: LayerWork, mergesResiduals: boolean): boolean {
  return layer.fused && (mergesResiduals || layer.inputBytes <= layer.outputBytes);
}
