import { EspalierError } from "../src/diagnostics/index.ts";
import type { DeployConfig } from "./config.ts";
import type { Outcome } from "./outcome.ts";
import type { Baseline } from "./stages/baseline.ts";
import type { Verified, VerifiedArtifact } from "./stages/verify.ts";

/**
 * The artifact that the requirements are about: the first that the target emits; where several are timed on this machine, the fastest that keeps the
 * accuracy (or, when none keeps it, the most accurate, and the report says that it fails).
 */
export function chooseShipped(
  config: DeployConfig,
  baseline: Baseline,
  verified: Verified,
  timings: Outcome["timings"],
): VerifiedArtifact {
  const { artifacts } = verified;
  const first = artifacts[0];
  if (first === undefined) throw new EspalierError("internal", "internal: nothing was emitted");
  if (timings === null) return first;
  const time = (artifact: VerifiedArtifact) =>
    timings.artifacts.find(({ file }) => file === artifact.file)?.timing.medianMs ?? Number.POSITIVE_INFINITY;
  const floor = baseline.test.accuracy - config.limits.accuracyDropPoints / 100;
  const accurate = artifacts.filter(({ accuracy }) => accuracy >= floor);
  if (accurate.length > 0) return accurate.reduce((best, artifact) => (time(artifact) < time(best) ? artifact : best));
  return artifacts.reduce((best, artifact) => (artifact.accuracy > best.accuracy ? artifact : best));
}

/** Why the artifact is not handed over: it is no better than what came in. Null when it is. */
export function withheldBecause({
  shipped,
  model,
  bytes,
  timings,
}: Pick<Outcome, "shipped" | "model" | "bytes" | "timings">): string | null {
  const size = bytes[shipped.file]!.length;
  if (size > model.bytes) return `${shipped.file} has ${size} bytes, the original ${model.bytes}`;
  if (timings === null) return null;
  const own = timings.artifacts.find(({ file }) => file === shipped.file)!.timing.medianMs;
  const before = timings.original.medianMs;
  return own > before ? `${shipped.file} takes ${own.toFixed(3)} ms, the original ${before.toFixed(3)} ms` : null;
}
