import type { DeviceProfile } from "../src/cost/index.ts";
import type { Graph } from "../src/ir/index.ts";
import type { CriterionName } from "../src/prune/index.ts";
import type { Metric } from "../src/search/index.ts";

export type TargetName = "cpu" | "ampere" | "npu" | "mcu";

/** Files that a target can emit. `c` is the TFLM source form of the int8 file: model_data.cc/.h, op resolver and arena header. */
export type ArtifactKind = "onnx-float32" | "onnx-float16" | "onnx-int8" | "tflite-float32" | "tflite-int8" | "c";

/** How the pruned model is brought back; epochs are passes over the training split. */
export interface RecoverySettings {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Share of the loss that comes from the original model's logits (distillation), 0 to 1. */
  readonly distillation: number;
  readonly temperature: number;
}

/** N:M structured sparsity that a target adds after pruning. */
export interface SparsitySettings {
  readonly n: number;
  readonly m: number;
  /** Epochs of fine-tuning with the masks held. */
  readonly epochs: number;
}

/** How sensitivity is measured. */
export interface SensitivitySettings {
  /** Shares of units kept at which each group is measured. */
  readonly ratios: readonly number[];
  /** Held-out samples that each point is measured on. */
  readonly samples: number;
  readonly criterion: CriterionName;
}

/** What a rule looks at: the float graph that is deployed, the one that came in, and the device. */
export interface RuleContext {
  readonly graph: Graph;
  readonly original: Graph;
  readonly profile: DeviceProfile;
  readonly target: Target;
  /** Multiple that cut channel counts are held to. */
  readonly grain: number;
}

/** A rule of a target. Its sentence is the report's row and the documentation. */
export interface TargetRule {
  readonly id: string;
  readonly says: string;
  /** The nodes that break the rule, each with what was found there. */
  check(context: RuleContext): readonly { readonly node: string; readonly found: string }[];
}

/**
 * What may be cut: "channels" (with the size of heads and hidden units), "heads" (whole attention heads and whole groups of convolutions), "blocks" (whole
 * residual blocks).
 */
export type Granularity = "channels" | "heads" | "blocks";

/** A way of deploying: what to default to, what to do, what to hold. */
export interface Target {
  readonly name: TargetName;
  readonly summary: string;
  readonly profileClass: DeviceProfile["class"];
  /** Paths inside the project: the example model and data set, and the profile's name. */
  readonly defaults: { readonly model: string; readonly data: string; readonly profile: string };
  /** Limits as shares of the original's figure, used when the command line gives none for that metric. */
  readonly relativeLimits: Partial<Record<Metric, number>>;
  /** Whether the runtime adds residuals inside the kernel that makes one operand. */
  readonly fusesResidual: boolean;
  /** Least units that a group may keep. */
  readonly minimumUnits: number;
  /** Kept channel counts are multiples of this, or of the profile's own alignment where that is greater. */
  readonly grain: number;
  /** What is cut when the command line does not say. */
  readonly granularity: readonly Granularity[];
  readonly sensitivity: SensitivitySettings;
  readonly recovery: RecoverySettings;
  readonly sparsity: SparsitySettings | null;
  readonly artifacts: readonly ArtifactKind[];
  readonly rules: readonly TargetRule[];
}
