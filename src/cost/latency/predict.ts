import { EspalierError } from "../../diagnostics/index.ts";
import type { DeviceProfile, Precision } from "../profile/index.ts";
import type { LayerWork } from "../work.ts";
import type { LatencyBreakdown } from "./breakdown.ts";
import { predictGpu } from "./gpu.ts";
import { predictMcu } from "./mcu.ts";
import { predictNpu } from "./npu.ts";

export interface LatencyOptions {
  /** Samples per run; the profile's deploy batch if not given. */
  readonly batch?: number;
  /** The profile's deploy precision if not given. Only GPUs have more than one. */
  readonly precision?: Precision;
}

/**
 * Predicted latency of a list of layers on a device, by node and by cause, with its interval. Pure. Throws `unsupported` for a profile whose latency is
 * measured (class cpu), `usage` for a batch below 1 or a precision without a rate.
 */
export function predictLatency(
  work: readonly LayerWork[],
  profile: DeviceProfile,
  options: LatencyOptions = {},
): LatencyBreakdown {
  const batch = options.batch ?? profile.deploy.batch;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new EspalierError("usage", `A batch is a whole number from 1, got ${batch}`, {
      hint: "Give a batch of 1 or more.",
    });
  }
  switch (profile.class) {
    case "gpu":
      return predictGpu(work, profile, batch, options.precision ?? profile.deploy.precision);
    case "npu":
      return predictNpu(work, profile, batch);
    case "mcu":
      return predictMcu(work, profile, batch);
    case "cpu":
      throw new EspalierError("unsupported", `Latency on "${profile.name}" is measured, not predicted`, {
        where: `${profile.name}.json`,
        hint: "Time the model in its runtime on this machine, or choose a profile of another class.",
      });
    default:
      return profile satisfies never;
  }
}

/** Multiple that the channel counts of a deployed model should keep on a device: 1 where the profile states none. */
export function channelAlignment(profile: DeviceProfile, precision: Precision = profile.deploy.precision): number {
  switch (profile.class) {
    case "gpu":
      return profile.latency.precisions[precision]?.channelAlignment.value ?? 1;
    case "npu":
    case "mcu":
      return profile.latency.channelAlignment.value;
    case "cpu":
      return 1;
    default:
      return profile satisfies never;
  }
}
