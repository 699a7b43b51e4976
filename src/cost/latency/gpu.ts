import { EspalierError } from "../../diagnostics/index.ts";
import type { GpuLatency, GpuProfile, Precision } from "../profile/index.ts";
import { type LayerWork, outputPositions, reductionChannels, roundUp } from "../work.ts";
import { hideBehindCompute, type LatencyBreakdown, type NodeLatency, nodeLatency, summarize } from "./breakdown.ts";

type TensorRate = NonNullable<GpuLatency["precisions"][Precision]>;

/**
 * Roofline of a GPU with matrix units: per layer t = max(compute, traffic), or their sum where the profile's calibration says so, plus a launch floor
 * listed apart. Channels are padded to the alignment of the matrix units; 2:4 layers follow t_sparse = a + b t_dense where 2:4 kernels win.
 * Throws `usage` when the profile has no rate for the precision.
 */
export function predictGpu(
  work: readonly LayerWork[],
  profile: GpuProfile,
  batch: number,
  precision: Precision,
): LatencyBreakdown {
  const rate = profile.latency.precisions[precision];
  if (rate === undefined) {
    throw new EspalierError("usage", `Profile "${profile.name}" has no rate for precision ${precision}`, {
      where: `${profile.name}.json, field latency.precisions`,
      hint: `Choose one of: ${Object.keys(profile.latency.precisions).join(", ")}.`,
    });
  }
  const nodes = work.map((layer) => predictLayer(layer, profile.latency, rate, batch));
  const { inferenceFloorSeconds, calibration } = profile.latency;
  return summarize(profile.name, batch, nodes, inferenceFloorSeconds.value, calibration);
}

function predictLayer(layer: LayerWork, gpu: GpuLatency, rate: TensorRate, batch: number): NodeLatency {
  const bandwidth = gpu.memoryBytesPerSecond.value;
  if (layer.fused) return nodeLatency(layer, { activations: (batch * extraOperandBytes(layer)) / bandwidth });
  const compute = computeSeconds(layer, gpu, rate, batch);
  const weights = layer.weightBytes / bandwidth;
  const activations = (batch * (layer.inputBytes + layer.outputBytes)) / bandwidth;
  const floor = gpu.kernelFloorSeconds.value;
  const dense =
    gpu.overlap === "sum"
      ? { compute, weights, activations }
      : hideBehindCompute(compute, weights, activations, weights + activations);
  const factor = sparseFactor(layer, rate, batch, floor, sum(dense));
  if (factor === null) return nodeLatency(layer, { ...dense, dispatch: floor });
  return nodeLatency(
    layer,
    {
      compute: (dense.compute ?? 0) * factor.scale,
      weights: (dense.weights ?? 0) * factor.scale,
      activations: (dense.activations ?? 0) * factor.scale,
      dispatch: factor.dispatch,
    },
    { sparse24: true },
  );
}

/** Traffic of a fused operator: operands beyond the first, which is already on chip (a residual Add reads one more tensor; an activation none). */
function extraOperandBytes(layer: LayerWork): number {
  return Math.max(0, layer.inputBytes - layer.outputBytes) + layer.weightBytes;
}

function computeSeconds(layer: LayerWork, gpu: GpuLatency, rate: TensorRate, batch: number): number {
  if (layer.macs === 0) return 0;
  const perGroupIn = reductionChannels(layer);
  const perGroupOut = layer.outChannels / layer.groups;
  const q = rate.channelAlignment.value;
  // A group narrower than the alignment leaves the matrix units mostly idle; such layers run on the vector units instead.
  if (layer.kind === "depthwise" || (layer.groups > 1 && Math.min(perGroupIn, perGroupOut) < q)) {
    return (batch * layer.macs) / gpu.vectorMacsPerSecond.value;
  }
  const padding = (roundUp(perGroupIn, q) / perGroupIn) * (roundUp(perGroupOut, q) / perGroupOut);
  return (batch * layer.macs * padding) / rate.macsPerSecond.value;
}

/**
 * How a 2:4 layer scales: t_sparse = a + b (floor + work) is at most floor + work. The constant part becomes the dispatch, b the scale of the work.
 * Null where dense kernels are used: no 2:4 weights, too few channels or rows, or the sparse kernel would not win.
 */
function sparseFactor(
  layer: LayerWork,
  rate: TensorRate,
  batch: number,
  floor: number,
  work: number,
): { scale: number; dispatch: number } | null {
  const rule = rate.sparse24;
  if (!layer.sparse24 || rule === undefined || layer.macs === 0) return null;
  const reduction = reductionChannels(layer) * layer.kernel[0] * layer.kernel[1];
  const rows = batch * outputPositions(layer);
  const eligible =
    layer.groups === 1 &&
    reduction >= rule.minReduction.value &&
    layer.outChannels >= rule.minOutChannels.value &&
    rows >= rule.minRows.value;
  const dispatch = rule.addSeconds.value + rule.factor.value * floor;
  if (!eligible || dispatch + rule.factor.value * work >= floor + work) return null;
  return { scale: rule.factor.value, dispatch };
}

function sum(parts: { readonly compute?: number; readonly weights?: number; readonly activations?: number }): number {
  return (parts.compute ?? 0) + (parts.weights ?? 0) + (parts.activations ?? 0);
}

/** Whether a layer is large enough for 2:4 kernels to win at this batch and precision, whatever its weights hold now. */
export function isSparse24Eligible(
  layer: LayerWork,
  profile: GpuProfile,
  batch: number,
  precision: Precision,
): boolean {
  const rule = profile.latency.precisions[precision]?.sparse24;
  return (
    rule !== undefined &&
    layer.macs > 0 &&
    layer.groups === 1 &&
    reductionChannels(layer) * layer.kernel[0] * layer.kernel[1] >= rule.minReduction.value &&
    layer.outChannels >= rule.minOutChannels.value &&
    batch * outputPositions(layer) >= rule.minRows.value
  );
}
