import { EspalierError, suggestion } from "../../src/diagnostics/index.ts";
import {
  CRITERIA,
  type CriterionName,
  type Granularity,
  type Normalisation,
  PRUNING_METHODS,
  type PruningMethod,
  type RecoveryMethod,
} from "../../src/prune/index.ts";
import type { InputSettings } from "../model-file.ts";

/** What `espalier prune` is asked for. Exactly one of `keep`, `keepMacs` and `macs` says how much stays. */
export interface PruneRequest extends InputSettings {
  readonly model: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly data?: string;
  readonly seed?: number;
  /** Share of all units that stays. */
  readonly keep?: number;
  /** Share of the MACs that stays. */
  readonly keepMacs?: number;
  /** Most multiply-accumulates of one sample. */
  readonly macs?: number;
  readonly criterion?: string;
  readonly scope?: "global" | "local";
  readonly reduction?: "sum" | "mean" | "max";
  readonly normalisation?: Normalisation;
  /** What is cut: channels (default), rows (heads, groups of a convolution), or both. */
  readonly granularity?: Granularity;
  /** Units go in neighbouring blocks of so many. */
  readonly block?: number;
  readonly align?: number;
  readonly minimum?: number;
  /** Also cut widths over which layer normalisations take their statistics. */
  readonly normStatistics?: boolean;
  readonly method?: PruningMethod["kind"];
  /** What is done to a one-shot cut before any fine-tuning; nothing of it needs labels. */
  readonly recover?: RecoveryMethod;
  /** Passes over the samples: fine-tuning after a one-shot cut, else the whole run. */
  readonly epochs?: number;
  readonly batch?: number;
  /** Peak learning rate. */
  readonly rate?: number;
}

/** What a request comes to once its defaults are filled in. */
export interface PrunePlan {
  readonly aim: Aim;
  readonly criterion: CriterionName;
  readonly method: PruningMethod["kind"];
  readonly recovery: RecoveryMethod;
  readonly epochs: number;
}

const DEFAULT_EPOCHS = 1;

/** Checks that the flags of a request go together. Throws EspalierError "usage". */
export function planOf(request: PruneRequest): PrunePlan {
  const { method = "one-shot", data, recover, epochs } = request;
  const trained = method !== "one-shot";
  if (data === undefined) {
    const asked = Object.entries({ method: trained, recover: recover !== undefined && recover !== "none", epochs });
    const first = asked.find(([, value]) => value !== undefined && value !== false);
    if (first !== undefined)
      throw new EspalierError("usage", `--${first[0]} needs samples`, {
        hint: "Give labelled samples with --data DIR.",
      });
  }
  if (trained && recover !== undefined)
    throw new EspalierError("usage", `--recover is for a one-shot cut, method "${method}" trains instead`, {
      hint: "Leave one of the two out.",
    });
  const chosen = request.granularity ?? "channels";
  if (trained && (chosen === "both" || request.block !== undefined))
    throw new EspalierError("usage", `Method "${method}" cuts single channels, or rows, but not both and no blocks`, {
      hint: "Leave --block and --granularity both to a one-shot cut.",
    });
  if (trained && request.normStatistics === true)
    throw new EspalierError("usage", `--norm-statistics is for a one-shot cut, not for method "${method}"`, {
      hint: "Leave one of the two out, and fine-tune afterwards with --epochs.",
    });
  if (!PRUNING_METHODS.includes(method))
    throw new EspalierError("usage", `Unknown method "${method}"`, { hint: suggestion(method, PRUNING_METHODS) });
  return {
    aim: aimOf(request),
    criterion: criterionFor(request),
    method,
    recovery: recover ?? (data === undefined || trained ? "none" : "least-squares+batch-norm"),
    epochs: epochs ?? (trained ? DEFAULT_EPOCHS : 0),
  };
}

/** How much stays. */
export type Aim =
  | { readonly kind: "units"; readonly share: number }
  | { readonly kind: "macs-share"; readonly share: number }
  | { readonly kind: "macs"; readonly count: number };

/** The aim of a request. Throws EspalierError "usage" unless exactly one is given. */
export function aimOf({ keep, keepMacs, macs }: PruneRequest): Aim {
  const aims: Aim[] = [];
  if (keep !== undefined) aims.push({ kind: "units", share: keep });
  if (keepMacs !== undefined) aims.push({ kind: "macs-share", share: keepMacs });
  if (macs !== undefined) aims.push({ kind: "macs", count: macs });
  const [aim] = aims;
  if (aim !== undefined && aims.length === 1) return aim;
  throw new EspalierError(
    "usage",
    aim === undefined ? "How much shall stay?" : "--keep, --keep-macs and --macs are one too many",
    { hint: "Give one of --keep 0.5 (units), --keep-macs 0.5 and --macs 5M." },
  );
}

/** The criterion of a request; what looks at samples needs --data. */
export function criterionFor({ criterion = "l1", data }: PruneRequest): CriterionName {
  if (!Object.hasOwn(CRITERIA, criterion))
    throw new EspalierError("usage", `Unknown criterion "${criterion}"`, {
      hint: suggestion(criterion, Object.keys(CRITERIA)),
    });
  const name = criterion as CriterionName;
  const { needs } = CRITERIA[name];
  if (data === undefined && needs !== "weights" && needs !== "nothing")
    throw new EspalierError("usage", `Criterion "${name}" looks at ${needs}, which takes samples`, {
      hint: "Give labelled samples with --data, or a criterion of weights (l1, l2).",
    });
  return name;
}
