import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type DeviceProfile, loadProfile } from "../src/cost/index.ts";
import { EspalierError, suggestion } from "../src/diagnostics/index.ts";
import { CRITERIA, type CriterionName, MASK_CRITERIA, type MaskCriterion } from "../src/prune/index.ts";
import { type ArtifactKind, findTarget, type Granularity, type Target } from "../targets/index.ts";

/** What a deployment was asked for; everything that is absent takes the target's default. */
export interface DeployRequest {
  readonly target: string;
  readonly model?: string;
  readonly data?: string;
  readonly profile?: string;
  readonly out?: string;
  readonly seed?: number;
  /** Limits; latency in ms, flash and RAM in bytes, MACs as a count, accuracy drop in percentage points. */
  readonly latencyMs?: number;
  readonly flashBytes?: number;
  readonly ramBytes?: number;
  readonly macs?: number;
  readonly maxAccuracyDrop?: number;
  /** Fine-tuning epochs. */
  readonly epochs?: number;
  /** Epochs of quantisation-aware training. */
  readonly qat?: number;
  readonly criterion?: string;
  /** What may be cut: words of `Granularity` with commas between them, or "all". */
  readonly granularity?: string;
  /** Which weights become zero, for targets that add N:M sparsity. */
  readonly sparsityCriterion?: string;
  /** Fewer test samples, for a quick look; the report says so. */
  readonly testSamples?: number;
}

/** A request with every default filled in and every word checked. */
export interface DeployConfig {
  readonly target: Target;
  readonly profile: DeviceProfile;
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly seed: number;
  readonly limits: Limits;
  readonly epochs: number;
  /** Epochs of quantisation-aware training; 0 is none. */
  readonly qat: number;
  readonly criterion: CriterionName;
  readonly granularity: readonly Granularity[];
  /** Which weights become zero, for targets that add N:M sparsity. */
  readonly sparsityCriterion: MaskCriterion;
  readonly testSamples: number | null;
  readonly artifacts: readonly ArtifactKind[];
}

/** Absolute limits that the user gave, and shares of the original where only a share is asked. */
export interface Limits {
  readonly latencyMs: number | null;
  readonly latencyShare: number | null;
  readonly flashBytes: number | null;
  readonly ramBytes: number | null;
  readonly macs: number | null;
  readonly macsShare: number | null;
  readonly accuracyDropPoints: number;
}

/** Accuracy that an artifact may lose against its original, in percentage points, when nothing else is said. */
export const DEFAULT_ACCURACY_DROP = 1.5;

/** The project's own folder: default models, data and profiles lie here, from the sources and from dist alike. */
export function projectRoot(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  return resolve(here, here.includes(`${join("dist", "pipeline")}`) ? "../.." : "..");
}

function isCriterion(name: string): name is CriterionName {
  return Object.hasOwn(CRITERIA, name);
}

/** Fills in the target's defaults; unknown words are refused with a suggestion. */
export async function resolveConfig(request: DeployRequest): Promise<DeployConfig> {
  const target = findTarget(request.target);
  const root = projectRoot();
  const profile = await loadProfile(request.profile ?? target.defaults.profile);
  if (profile.class !== target.profileClass) {
    throw new EspalierError(
      "usage",
      `Profile "${profile.name}" describes a device of class ${profile.class}, target "${target.name}" deploys to ${target.profileClass}`,
      {
        hint: "Choose another --profile, or the target that goes with it. `espalier profiles` lists them.",
      },
    );
  }
  if (request.model !== undefined && request.data === undefined) {
    throw new EspalierError("usage", "--model needs --data: pruning is judged by the accuracy on labelled samples", {
      hint: "Give a folder of IDX files or of class folders with images: --data DIR.",
    });
  }
  const criterion = request.criterion ?? target.sensitivity.criterion;
  if (!isCriterion(criterion))
    throw new EspalierError("usage", `Unknown criterion "${criterion}"`, {
      hint: suggestion(criterion, Object.keys(CRITERIA)),
    });
  const seed = request.seed ?? 1;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new EspalierError("usage", `--seed must be a whole number from 0 on, got ${seed}`);
  return {
    target,
    profile,
    model: request.model ?? join(root, target.defaults.model),
    data: request.data ?? join(root, target.defaults.data),
    out: request.out ?? join("runs", target.name),
    seed,
    limits: resolveLimits(request, target, profile),
    epochs: request.epochs ?? target.recovery.epochs,
    qat: resolveQat(request.qat, target),
    criterion,
    sparsityCriterion: resolveSparsityCriterion(request.sparsityCriterion, target),
    granularity: resolveGranularity(request.granularity, target),
    testSamples: request.testSamples ?? null,
    artifacts: target.artifacts,
  };
}

/** Refuses a criterion for zeros where a target adds none. */
function resolveSparsityCriterion(name: string | undefined, target: Target): MaskCriterion {
  if (name === undefined) return "magnitude";
  const criterion = MASK_CRITERIA.find((known) => known === name);
  if (criterion === undefined)
    throw new EspalierError("usage", `Unknown criterion "${name}" for sparsity`, {
      hint: suggestion(name, MASK_CRITERIA),
    });
  if (target.sparsity === null)
    throw new EspalierError("usage", `--sparsity-criterion chooses zeros, and target "${target.name}" adds none`, {
      hint: "Leave it out, or choose another --target.",
    });
  return criterion;
}

const GRANULARITIES: readonly Granularity[] = ["channels", "heads", "blocks"];

/** The words in their own order, each once: the order in which they are given changes no result. */
function resolveGranularity(text: string | undefined, target: Target): readonly Granularity[] {
  if (text === undefined) return target.granularity;
  const words = text.split(",").map((word) => word.trim());
  const known = [...GRANULARITIES, "all"];
  const wrong = words.find((word) => !known.includes(word));
  if (wrong !== undefined)
    throw new EspalierError("usage", `Unknown granularity "${wrong}"`, {
      hint: `${suggestion(wrong, known)} Several are given with commas between them.`,
    });
  return words.includes("all") ? GRANULARITIES : GRANULARITIES.filter((word) => words.includes(word));
}

/** Refuses quantisation-aware training for a target whose artifacts have no int8. */
function resolveQat(epochs: number | undefined, target: Target): number {
  if (epochs === undefined) return 0;
  if (!(Number.isFinite(epochs) && epochs >= 0))
    throw new EspalierError("usage", `--qat must be a number from 0 on, got ${epochs}`);
  if (epochs > 0 && !target.artifacts.some((kind) => kind.endsWith("int8")))
    throw new EspalierError("usage", `--qat trains for int8, and target "${target.name}" has no int8 artifact`, {
      hint: "Leave it out, or choose another --target.",
    });
  return epochs;
}

function resolveLimits(request: DeployRequest, target: Target, profile: DeviceProfile): Limits {
  const budgets = profile.budgets;
  const given = { latencyMs: request.latencyMs ?? null, macs: request.macs ?? null };
  // A limit that the user names replaces the default shares: what is asked is what is held.
  const own =
    request.latencyMs !== undefined ||
    request.macs !== undefined ||
    request.flashBytes !== undefined ||
    request.ramBytes !== undefined;
  return {
    ...given,
    latencyShare: own ? null : (target.relativeLimits.latencyMs ?? null),
    macsShare: own ? null : (target.relativeLimits.macs ?? null),
    flashBytes: request.flashBytes ?? budgets?.flashBytes ?? null,
    ramBytes: request.ramBytes ?? budgets?.ramBytes ?? null,
    accuracyDropPoints: request.maxAccuracyDrop ?? DEFAULT_ACCURACY_DROP,
  };
}
