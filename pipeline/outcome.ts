import type { Graph } from "../src/ir/index.ts";
import type { Timing } from "../src/runtimes/index.ts";
import type { DeviceCost } from "../targets/index.ts";
import type { DeployConfig } from "./config.ts";
import type { RunContext } from "./context.ts";
import type { Baseline } from "./stages/baseline.ts";
import type { Budget } from "./stages/budget.ts";
import type { Emitted } from "./stages/emit.ts";
import type { ImportedModel } from "./stages/import.ts";
import type { Pruned } from "./stages/prune.ts";
import type { Quantized } from "./stages/quantize.ts";
import type { Sensitivity } from "./stages/sensitivity.ts";
import type { SparseLayer } from "./stages/sparsify.ts";
import type { Verified, VerifiedArtifact } from "./stages/verify.ts";

/** A time measured on this machine in the same minute as the original's. */
export interface TimedArtifact {
  readonly file: string;
  readonly timing: Timing;
}

/** All that a run found out, before it becomes a report. */
export interface Outcome {
  readonly context: RunContext;
  readonly config: DeployConfig;
  readonly model: ImportedModel;
  readonly baseline: Baseline;
  readonly sensitivity: Sensitivity;
  readonly budget: Budget;
  readonly pruned: Pruned;
  readonly quantized: Quantized | null;
  readonly sparsity: readonly SparseLayer[] | null;
  readonly emitted: Emitted;
  readonly verified: Verified;
  /** The tuned float graph. */
  readonly graph: Graph;
  readonly costs: { readonly original: DeviceCost; readonly artifact: DeviceCost };
  /** The artifact that the requirements are about. */
  readonly shipped: VerifiedArtifact;
  /** Measured on this machine; empty where the device is another. */
  readonly timings: { readonly original: Timing; readonly artifacts: readonly TimedArtifact[] } | null;
  readonly bytes: Readonly<Record<string, Uint8Array>>;
}
