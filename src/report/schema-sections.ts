import * as z from "zod";
import { Accuracy, Count, Estimate, Evidence, Sha256, Text } from "./schema-figures.ts";

const Share = z.number().min(0).max(1);

/** One of the models compared. */
export const ModelRow = z.strictObject({
  role: z.enum(["original", "pruned", "artifact"]),
  name: Text,
  accuracy: Accuracy.optional(),
  parameters: Count,
  macs: Count,
  bytes: Count.describe("Size of the file"),
  latency: Estimate.optional().describe("Milliseconds of one inference at the stated batch"),
  arena: Estimate.optional().describe("Peak bytes of working memory"),
  flash: Estimate.optional().describe("Bytes of read-only memory: model and runtime code"),
});
export type ModelRow = z.infer<typeof ModelRow>;

export const Layer = z.strictObject({
  node: Text,
  op: Text,
  channelsBefore: Count,
  channelsAfter: Count.describe("0: the layer is gone"),
  macsBefore: Count,
  macsAfter: Count,
  bytesBefore: Count.describe("Bytes of weights in the original"),
  bytesAfter: Count.describe("Bytes of weights in the artifact"),
  latencyShareBefore: Share.optional(),
  latencyShareAfter: Share.optional(),
});
export type Layer = z.infer<typeof Layer>;

export const Group = z.strictObject({
  id: Text,
  members: z.array(Text).describe('Axes that are cut together, as text: "conv2_1.weight[out]"'),
  unitsBefore: Count,
  unitsAfter: Count,
  unit: Text.optional().describe('What the units are: "channels", "heads", "residual block"'),
  criterion: Text,
  frozen: Text.optional().describe("Why this group may not be cut"),
});
export type Group = z.infer<typeof Group>;

export const Sensitivity = z.strictObject({
  metric: z.enum(["accuracy", "loss"]),
  baseline: z.number().describe("The metric with nothing removed, on the same samples"),
  split: Text,
  samples: Count,
  curves: z.array(
    z.strictObject({
      group: Text,
      points: z.array(z.strictObject({ kept: Share.describe("Share of units kept"), value: z.number() })),
    }),
  ),
});
export type Sensitivity = z.infer<typeof Sensitivity>;

export const Search = z.strictObject({
  cost: z.strictObject({ title: Text, unit: z.enum(["ms", "bytes", "MACs", "parameters"]) }),
  evidence: Evidence.optional().describe(
    "Of the costs: `timed` when the cost model was calibrated by a clock in this run",
  ),
  evaluated: Count.describe("Candidates that were evaluated; `points` may hold fewer"),
  points: z.array(
    z.strictObject({
      cost: z.number().nonnegative(),
      accuracyLoss: z.number().describe("Predicted loss of accuracy, in percentage points"),
      chosen: z.boolean(),
    }),
  ),
});
export type Search = z.infer<typeof Search>;

const LatencyPart = z.strictObject({ node: Text, cause: Text, ms: z.number().nonnegative() });
export const LatencyBreakdown = z.strictObject({
  evidence: Evidence,
  before: z.array(LatencyPart),
  after: z.array(LatencyPart),
});
export type LatencyBreakdown = z.infer<typeof LatencyBreakdown>;

export const ArenaPlan = z.strictObject({
  bytes: Count.describe("Size of the whole arena"),
  persistent: Count.optional().describe("Part of it that lives for the whole run: tables, kernels' data"),
  steps: Count.describe("Number of operators that run"),
  buffers: z.array(
    z.strictObject({
      buffer: Text,
      offset: Count,
      bytes: Count,
      first: Count.describe("First step that needs it, from 0"),
      last: Count.describe("Last step that needs it"),
    }),
  ),
});
export type ArenaPlan = z.infer<typeof ArenaPlan>;

export const Memory = z.strictObject({
  evidence: Evidence,
  limit: Count.optional().describe("Bytes that the device or the budget gives"),
  before: ArenaPlan,
  after: ArenaPlan,
});
export type Memory = z.infer<typeof Memory>;

/** A numeric proof as it was run, before it is judged. */
export const ProofFacts = z.strictObject({
  id: Text.describe("What was proved: a group, an artifact"),
  title: Text,
  difference: z
    .number()
    .nonnegative()
    .nullable()
    .describe("Largest absolute difference found; null: the check could not run"),
  tolerance: z.number().nonnegative(),
  unit: z.enum(["absolute", "steps", "count"]).describe("steps: quantisation steps; count: violations"),
  samples: Count,
  runtime: Text,
  note: Text.optional(),
});
export type ProofFacts = z.infer<typeof ProofFacts>;
/** A proof with its verdict. */
export const Proof = ProofFacts.extend({ pass: z.boolean() });
export type Proof = z.infer<typeof Proof>;

export const Sparsity = z.strictObject({
  pattern: Text.describe('Such as "2:4"'),
  layers: z.array(
    z.strictObject({
      node: Text,
      eligible: z.boolean(),
      reason: Text.optional().describe("Why not, for a layer that is not eligible"),
      valid: z.boolean().optional().describe("Whether every block of the emitted weights obeys the pattern"),
      zeros: Count,
      weights: Count,
    }),
  ),
});
export type Sparsity = z.infer<typeof Sparsity>;

export const Quantization = z.strictObject({
  scheme: Text.describe("Such as full int8, weights per channel"),
  calibration: Text.describe("How ranges were chosen"),
  calibrationSamples: Count,
  samples: Count.describe("Samples on which artifact and IR were compared"),
  tensors: z.array(
    z.strictObject({
      tensor: Text,
      scale: z.number().positive(),
      zeroPoint: z.int(),
      maxSteps: z.number().nonnegative().describe("Largest difference between runtime and IR, in quantisation steps"),
      meanSteps: z.number().nonnegative().optional(),
    }),
  ),
});
export type Quantization = z.infer<typeof Quantization>;

/** A file that was emitted, with its size and hash. */
export const Artifact = z.strictObject({ file: Text, bytes: Count, sha256: Sha256, what: Text });
export type Artifact = z.infer<typeof Artifact>;

export const ReportDiagnostic = z.strictObject({
  severity: z.enum(["warning", "note"]),
  code: Text,
  message: Text,
  where: Text.optional(),
  hint: Text.optional(),
});
export type ReportDiagnostic = z.infer<typeof ReportDiagnostic>;
