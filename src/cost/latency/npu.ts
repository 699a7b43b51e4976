import type { NpuLatency, NpuProfile } from "../profile/index.ts";
import { refusal } from "../support.ts";
import { type LayerWork, outputPositions, reductionChannels, roundUp, runsInsideProducer } from "../work.ts";
import { hideBehindCompute, type LatencyBreakdown, type NodeLatency, nodeLatency, summarize } from "./breakdown.ts";

/**
 * MAC-array accelerator: outputs are made in blocks, the reduction in steps of taps x channels, so sizes are padded to both; weights are fed at a
 * limited rate; traffic runs beside compute (t = max of array, output stage, SRAM and DRAM streams, as Vela estimates). Operators that the profile
 * does not list run on the host CPU, at its cost and with the reason. Batch runs sample by sample.
 */
export function predictNpu(work: readonly LayerWork[], profile: NpuProfile, batch: number): LatencyBreakdown {
  let onHost = false;
  const nodes = work.map((layer) => {
    const isMerged = runsInsideProducer(layer, false);
    const reason = isMerged ? null : refusal(layer, profile);
    const entering = reason !== null && !onHost;
    if (!isMerged) onHost = reason !== null;
    return reason === null
      ? predictLayer(layer, profile.latency, batch)
      : predictFallback(layer, profile.latency, batch, entering, reason);
  });
  const { inferenceFloorSeconds, calibration } = profile.latency;
  return summarize(profile.name, batch, nodes, batch * inferenceFloorSeconds.value, calibration);
}

function predictLayer(layer: LayerWork, npu: NpuLatency, batch: number): NodeLatency {
  if (runsInsideProducer(layer, false)) return nodeLatency(layer, {});
  const activationBytes = storedBytes(layer, npu);
  const compute = batch * computeSeconds(layer, npu);
  const inFastMemory = activationBytes <= npu.sramBytes.value;
  const weights = (batch * layer.weightBytes) / npu.dramBytesPerSecond.value;
  const rate = inFastMemory ? npu.sramBytesPerSecond.value : npu.dramBytesPerSecond.value;
  const activations = (batch * activationBytes) / rate;
  // Weights and activations share the DRAM port when activations do not fit the fast memory; else they use a port each.
  const memory = inFastMemory ? Math.max(weights, activations) : weights + activations;
  const parts = hideBehindCompute(compute, weights, activations, memory);
  return nodeLatency(layer, { ...parts, dispatch: batch * npu.layerFloorSeconds.value });
}

/** Input and output bytes with channels padded to the storage alignment. */
function storedBytes(layer: LayerWork, npu: NpuLatency): number {
  const q = npu.storageAlignment.value;
  const padIn = layer.inChannels > 0 ? roundUp(layer.inChannels, q) / layer.inChannels : 1;
  const padOut = layer.outChannels > 0 ? roundUp(layer.outChannels, q) / layer.outChannels : 1;
  return layer.inputBytes * padIn + layer.outputBytes * padOut;
}

/** Seconds per sample of the array, its weight feed and its output stage: the slowest of the three. */
function computeSeconds(layer: LayerWork, npu: NpuLatency): number {
  const { array } = npu;
  const outputs = outputPositions(layer) * layer.outChannels;
  if (layer.kind === "elementwise" || layer.kind === "softmax" || layer.kind === "other") {
    return outputs / array.elementwiseElementsPerSecond.value;
  }
  if (layer.kind === "movement") return 0;
  const steps = arraySteps(layer, npu);
  const full = array.traversals[0];
  const block = array.outputBlock;
  const stepSeconds =
    full === undefined
      ? 0
      : (block.height * block.width * block.channels * full.taps * full.channels) / array.macsPerSecond.value;
  const feed = layer.macs > 0 ? paddedWeights(layer, npu) / array.weightBytesPerSecond.value : 0;
  return Math.max(steps * stepSeconds, feed, outputs / array.outputElementsPerSecond.value);
}

/** Steps of the array for one sample: blocks of outputs x steps of the reduction. */
function arraySteps(layer: LayerWork, npu: NpuLatency): number {
  const { outputBlock } = npu.array;
  const spatial =
    Math.ceil(layer.outputSize[0] / outputBlock.height) * Math.ceil(layer.outputSize[1] / outputBlock.width);
  // A single row of outputs is laid out along the width, so a 1 x 1 output still takes one block.
  const row = Math.ceil(outputPositions(layer) / (outputBlock.height * outputBlock.width));
  const blocks = layer.outputSize[0] === 1 || layer.outputSize[1] === 1 ? row : spatial;
  return blocks * channelBlocks(layer, npu) * reductionSteps(layer, npu);
}

function channelBlocks(layer: LayerWork, npu: NpuLatency): number {
  const quantum = npu.array.outputBlock.channels;
  return isChannelwise(layer)
    ? Math.ceil(layer.outChannels / quantum)
    : layer.groups * Math.ceil(layer.outChannels / layer.groups / quantum);
}

function reductionSteps(layer: LayerWork, npu: NpuLatency): number {
  const taps = layer.kernel[0] * layer.kernel[1];
  if (isChannelwise(layer)) return Math.ceil(taps / npu.array.depthwiseTaps.value);
  const channels = reductionChannels(layer);
  return Math.min(...npu.array.traversals.map((t) => Math.ceil(taps / t.taps) * Math.ceil(channels / t.channels)));
}

/** Weights as the array consumes them: channels padded to the blocks, one byte each. */
function paddedWeights(layer: LayerWork, npu: NpuLatency): number {
  const outputs = channelBlocks(layer, npu) * npu.array.outputBlock.channels;
  const taps = layer.kernel[0] * layer.kernel[1];
  if (isChannelwise(layer)) return outputs * roundUp(taps, npu.array.depthwiseTaps.value);
  const padded = npu.array.traversals.map((t) => roundUp(taps, t.taps) * roundUp(reductionChannels(layer), t.channels));
  return outputs * Math.min(...padded);
}

/** Operators that reduce over the window alone: each output channel reads one input channel. */
function isChannelwise(layer: LayerWork): boolean {
  return layer.kind === "depthwise" || layer.kind === "pool" || layer.kind === "reduce";
}

function predictFallback(
  layer: LayerWork,
  npu: NpuLatency,
  batch: number,
  entering: boolean,
  reason: string,
): NodeLatency {
  const { macsPerSecond, bytesPerSecond, switchSeconds } = npu.fallback;
  const bytes = layer.inputBytes + layer.weightBytes + layer.outputBytes;
  const work = layer.macs / macsPerSecond.value + bytes / bytesPerSecond.value;
  const fallback = batch * (work + (entering ? switchSeconds.value : 0));
  return nodeLatency(layer, { fallback }, { fallbackReason: reason });
}
