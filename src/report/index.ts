export { buildReport, parseReport } from "./build.ts";
export { deterministicPart, fingerprint } from "./deterministic.ts";
export { formatEvidence, formatNumber, formatQuantity, formatSeconds, formatShare } from "./format.ts";
export { renderHtml } from "./html/page.ts";
export { renderJson } from "./json.ts";
export { reportJsonSchema } from "./json-schema.ts";
export { renderJUnit } from "./junit.ts";
export { renderMarkdown } from "./markdown.ts";
export { Report, ReportFacts, type Verdict } from "./schema.ts";
export type { Accuracy, Estimate, Evidence, Interval, Requirement, RequirementFacts, Unit } from "./schema-figures.ts";
export type {
  ArenaPlan,
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
export { renderSummary } from "./summary.ts";
export { escapeXml, printable } from "./text.ts";
export { judge, judgeProof, overallVerdict, wilsonInterval } from "./verdict.ts";
