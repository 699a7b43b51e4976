import { EspalierError } from "../../diagnostics/index.ts";
import type { DeviceProfile } from "../profile/index.ts";
import type { LatencyBreakdown } from "./breakdown.ts";

/** A ratio of two predictions with the interval in which the true ratio is expected. */
export interface RatioInterval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

export interface LatencyComparison {
  /** after / before of compute and memory alone, the launch floor left out. */
  readonly work: RatioInterval;
  /** after / before of the whole. */
  readonly total: RatioInterval;
  /** e of [r / (1 + e), r / (1 - e)]; smaller than that of a single time, because the errors of both partly cancel. */
  readonly relativeError: number;
  readonly source: string;
}

/**
 * How two predictions on one device compare. Throws `usage` when they are of different profiles, `unsupported` when the profile predicts nothing (class cpu).
 */
export function compareLatency(
  before: LatencyBreakdown,
  after: LatencyBreakdown,
  profile: DeviceProfile,
): LatencyComparison {
  if (before.profile !== profile.name || after.profile !== profile.name) {
    throw new EspalierError(
      "usage",
      `Predictions for "${before.profile}" and "${after.profile}" are compared on "${profile.name}"`,
      {
        hint: "Predict both on one profile.",
      },
    );
  }
  if (profile.class === "cpu") {
    throw new EspalierError("unsupported", `Latency on "${profile.name}" is measured, not predicted`, {
      where: `${profile.name}.json`,
    });
  }
  const { value: e, source } = profile.latency.calibration.ratioError;
  const interval = (ratio: number): RatioInterval => ({ ratio, low: ratio / (1 + e), high: ratio / (1 - e) });
  const share = (a: number, b: number) => (b === 0 ? 1 : a / b);
  return {
    work: interval(share(after.workSeconds, before.workSeconds)),
    total: interval(share(after.totalSeconds, before.totalSeconds)),
    relativeError: e,
    source,
  };
}
