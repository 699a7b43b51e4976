import { EspalierError } from "../diagnostics/index.ts";
import { checkShape, Report, ReportFacts } from "./schema.ts";
import { judge, judgeProof, overallVerdict } from "./verdict.ts";

/**
 * The report of a run: judges every requirement and proof and gives the whole verdict.
 * @throws EspalierError "input" when the facts do not match the schema, "internal" when figures contradict each other.
 */
export function buildReport(facts: ReportFacts): Report {
  const checked = checkShape(ReportFacts, facts, "facts of the run");
  const requirements = checked.requirements.map(judge);
  const proofs = checked.proofs.map(judgeProof);
  const verdict = overallVerdict(requirements, proofs, checked.sparsity);
  return checkShape(Report, { reportVersion: 1, verdict, ...checked, requirements, proofs }, "report");
}

/**
 * A report from parsed JSON, refused unless its verdicts follow from its own figures: an edited "fail" does not pass.
 * @throws EspalierError "input".
 */
export function parseReport(json: unknown, where = "report.json"): Report {
  const report = checkShape(Report, json, where);
  const { reportVersion: _version, verdict: _verdict, ...rest } = report;
  const facts = {
    ...rest,
    requirements: report.requirements.map(factsOfRequirement),
    proofs: report.proofs.map(factsOfProof),
  };
  const again = buildReport(facts);
  if (JSON.stringify(again) !== JSON.stringify(report)) {
    throw new EspalierError(
      "input",
      `The report says ${report.verdict.result}; its own figures give ${again.verdict.result}, or another margin`,
      {
        where,
        hint: "Its text was changed after it was written: run the deployment again.",
      },
    );
  }
  return report;
}

function factsOfRequirement(row: Report["requirements"][number]): ReportFacts["requirements"][number] {
  const { pessimistic: _end, margin: _margin, verdict: _verdict, caution: _caution, ...facts } = row;
  return facts;
}

function factsOfProof(proof: Report["proofs"][number]): ReportFacts["proofs"][number] {
  const { pass: _pass, ...facts } = proof;
  return facts;
}
