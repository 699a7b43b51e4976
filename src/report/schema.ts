import * as z from "zod";
import { EspalierError } from "../diagnostics/index.ts";
import { Count, Requirement, RequirementFacts, Sha256, Text } from "./schema-figures.ts";
import {
  Artifact,
  Group,
  LatencyBreakdown,
  Layer,
  Memory,
  ModelRow,
  Proof,
  ProofFacts,
  Quantization,
  ReportDiagnostic,
  Search,
  Sensitivity,
  Sparsity,
} from "./schema-sections.ts";

const Profile = z.strictObject({
  name: Text,
  description: Text,
  evidence: Text.describe(
    "What kind of evidence its constants have: measured here, published, fitted to published rows",
  ),
  sources: z.array(Text),
});

const Environment = z.strictObject({
  node: Text,
  runtimes: z.array(z.strictObject({ name: Text, version: Text })),
  cpu: Text,
  cores: z.int().positive(),
});

const Stage = z.strictObject({
  name: Text,
  seconds: z.number().nonnegative(),
  resumed: z.boolean().describe("True when an earlier run's result was taken over"),
});

/** All that the pipeline knows at the end of a run, before anything is judged: the input of `buildReport`. */
export const ReportFacts = z.strictObject({
  product: z.strictObject({ name: Text, version: Text }),
  target: Text,
  profile: Profile,
  model: z.strictObject({
    name: Text,
    sha256: Sha256,
    source: Text.describe("Where the model came from: a file, a model card"),
    parameters: Count,
    macs: Count,
    bytes: Count,
  }),
  dataset: z.strictObject({
    name: Text,
    source: Text.optional(),
    splits: z.array(z.strictObject({ name: Text, samples: Count, use: Text })),
  }),
  seed: z.union([z.int(), Text]),
  command: Text,
  shipped: z
    .strictObject({ model: z.enum(["compressed", "original"]), reason: Text })
    .optional()
    .describe("Which model the artifact holds, and why: a compressed model that is no better is not shipped"),
  requirements: z.array(RequirementFacts),
  models: z.array(ModelRow),
  layers: z.array(Layer),
  groups: z.array(Group),
  proofs: z.array(ProofFacts),
  sensitivity: Sensitivity.optional(),
  search: Search.optional(),
  latency: LatencyBreakdown.optional(),
  memory: Memory.optional(),
  sparsity: Sparsity.optional(),
  quantization: Quantization.optional(),
  artifacts: z.array(Artifact),
  diagnostics: z.array(ReportDiagnostic),
  notes: z.array(Text).describe("What the reader must know and no figure says"),
  run: z
    .strictObject({ environment: Environment, stages: z.array(Stage) })
    .describe("What depends on the machine and the clock; no part of the deterministic part"),
});
export type ReportFacts = z.infer<typeof ReportFacts>;

const Verdict = z.strictObject({
  result: z.enum(["pass", "fail"]),
  exitCode: z.union([z.literal(0), z.literal(2)]),
  sentence: Text,
});
/** The whole verdict, with its exit code and one sentence. */
export type Verdict = z.infer<typeof Verdict>;

/** The compliance report: one plain-data document that every rendering is a function of. */
export const Report = z
  .strictObject({
    reportVersion: z.literal(1),
    verdict: Verdict,
    ...ReportFacts.shape,
    requirements: z.array(Requirement),
    proofs: z.array(Proof),
  })
  .describe("Espalier compliance report");
export type Report = z.infer<typeof Report>;

/**
 * A report from untrusted JSON (already parsed).
 * Checks the shape only; `parseReport` of ./build.ts also checks that the verdicts follow from the figures.
 * @throws EspalierError "input", with the path of each fault.
 */
export function checkShape<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues;
  const shown = issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "document"}: ${issue.message}`);
  const rest = issues.length > shown.length ? `; and ${issues.length - shown.length} more` : "";
  throw new EspalierError("input", `The report does not match its schema: ${shown.join("; ")}${rest}`, {
    where,
    hint: "src/report/schema.json describes every field.",
  });
}
