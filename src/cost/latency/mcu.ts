import type { McuLatency, McuProfile } from "../profile/index.ts";
import { type LayerWork, outputPositions, runsInsideProducer } from "../work.ts";
import { type LatencyBreakdown, type NodeLatency, nodeLatency, summarize } from "./breakdown.ts";

/**
 * Microcontroller: cycles = cyclesPerMac of the kernel class x MACs + cyclesPerElement of the rest + interpreter overhead, over the clock. Weights and
 * activations are read within those cycles (they were part of what was measured), so compute holds all but the overhead. Samples run one by one.
 */
export function predictMcu(work: readonly LayerWork[], profile: McuProfile, batch: number): LatencyBreakdown {
  const nodes = work.map((layer) => predictLayer(layer, profile.latency, batch));
  return summarize(profile.name, batch, nodes, 0, profile.latency.calibration);
}

function predictLayer(layer: LayerWork, mcu: McuLatency, batch: number): NodeLatency {
  // A merged activation is a clamp inside the kernel and costs nothing.
  if (runsInsideProducer(layer, false)) return nodeLatency(layer, {});
  const secondsPerCycle = 1 / mcu.clockHz.value;
  const isMovement = layer.kind === "movement";
  const cycles = isMovement ? mcu.cyclesPerElement.movement.value * layer.outputBytes : computeCycles(layer, mcu);
  const seconds = batch * cycles * secondsPerCycle;
  const dispatch = batch * mcu.cyclesPerOperator.value * secondsPerCycle;
  return nodeLatency(layer, isMovement ? { activations: seconds, dispatch } : { compute: seconds, dispatch });
}

function computeCycles(layer: LayerWork, mcu: McuLatency): number {
  const elements = outputPositions(layer) * layer.outChannels;
  const { cyclesPerMac, cyclesPerElement } = mcu;
  switch (layer.kind) {
    case "conv":
    case "grouped":
      return layer.macs * cyclesPerMac.convolution.value;
    case "pointwise":
    case "depthwise":
      return layer.macs * cyclesPerMac.separable.value;
    case "fc":
      return layer.macs * cyclesPerMac.fullyConnected.value;
    case "pool":
    case "reduce":
      return poolTaps(layer, elements) * cyclesPerElement.poolTap.value;
    case "softmax":
      return elements * cyclesPerElement.softmax.value;
    case "elementwise":
    case "other":
      return elements * cyclesPerElement.elementwise.value + layer.macs * cyclesPerMac.separable.value;
    case "movement":
      return 0;
    default:
      return layer.kind satisfies never;
  }
}

/** Elements read: the window over every output, or the whole input once for a reduction without a window. */
function poolTaps(layer: LayerWork, outputElements: number): number {
  const window = layer.kernel[0] * layer.kernel[1];
  return layer.kind === "reduce" || window === 1 ? layer.inputBytes / layer.bytesPerElement : outputElements * window;
}
