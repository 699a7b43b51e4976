import type { DeviceProfile } from "./profile/index.ts";
import { type LayerWork, runsInsideProducer } from "./work.ts";

/** A node that the device does not run itself, and why. */
export interface Unsupported {
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

/** The nodes that a profile's operator list refuses; empty when the profile lists none. Operators that run inside another are not judged. */
export function unsupported(work: readonly LayerWork[], profile: DeviceProfile): Unsupported[] {
  return work.flatMap((layer) => {
    const reason = runsInsideProducer(layer, profile.class === "gpu") ? null : refusal(layer, profile);
    return reason === null ? [] : [{ node: layer.node, op: layer.op, reason }];
  });
}

/** Why the device does not run a layer, with both values, or null when it does. */
export function refusal(layer: LayerWork, profile: DeviceProfile): string | null {
  const list = profile.operators;
  if (list === undefined) return null;
  if (!list.supported.includes(layer.op)) return `${layer.op} is not among the operators of ${profile.title}`;
  const [height, width] = layer.kernel;
  const area = height * width;
  const isPool = layer.kind === "pool";
  if (layer.macs > 0 && list.maxKernelHeight !== undefined && height > list.maxKernelHeight.value) {
    return `kernel height ${height} is above the limit of ${list.maxKernelHeight.value}`;
  }
  if (layer.macs > 0 && list.maxKernelArea !== undefined && area > list.maxKernelArea.value) {
    return `kernel area ${area} is above the limit of ${list.maxKernelArea.value}`;
  }
  if (isPool && list.maxPoolKernelArea !== undefined && area > list.maxPoolKernelArea.value) {
    return `pooling window of ${area} is above the limit of ${list.maxPoolKernelArea.value}`;
  }
  const stride = Math.max(...layer.stride);
  if (list.maxStride !== undefined && stride > list.maxStride.value) {
    return `stride ${stride} is above the limit of ${list.maxStride.value}`;
  }
  return null;
}
