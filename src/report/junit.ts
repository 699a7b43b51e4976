import { formatEvidence, formatInterval, formatQuantity, formatScientific } from "./format.ts";
import type { Report } from "./schema.ts";
import type { Requirement } from "./schema-figures.ts";
import type { Proof, Sparsity } from "./schema-sections.ts";
import { escapeXml } from "./text.ts";
import { failureSentence } from "./verdict.ts";

interface TestCase {
  readonly name: string;
  readonly outcome: "pass" | "fail" | "skip";
  /** One line: the failure, or the reason to skip. */
  readonly message: string;
  readonly detail: readonly string[];
}

const LONGEST = 400;

/**
 * JUnit XML (the shape that Jenkins, GitLab and GitHub reporters read): a test case for each requirement, each proof and each
 * layer that must be sparse. A requirement that does not apply is `skipped`. Times are 0: a requirement takes none.
 */
export function renderJUnit(report: Report): string {
  const suites: [string, TestCase[]][] = [
    ["requirements", report.requirements.map(requirementCase)],
    ["proofs", report.proofs.map(proofCase)],
    ["sparsity", sparsityCases(report.sparsity)],
  ];
  if (suites.every(([, cases]) => cases.every((one) => one.outcome === "skip"))) {
    const nothing: TestCase = { name: "verdict", outcome: "fail", message: report.verdict.sentence, detail: [] };
    suites.push(["verdict", [nothing]]);
  }
  const filled = suites.filter(([, cases]) => cases.length > 0);
  const all = filled.flatMap(([, cases]) => cases);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="espalier ${attribute(report.target)}" ${totals(all)} time="0">`,
    ...filled.flatMap(([name, cases]) => suiteLines(report, name, cases)),
    "</testsuites>",
  ];
  return `${lines.join("\n")}\n`;
}

function suiteLines(report: Report, suite: string, cases: readonly TestCase[]): string[] {
  const skipped = cases.filter((one) => one.outcome === "skip").length;
  const properties = [
    ["target", report.target],
    ["profile", report.profile.name],
    ["model", report.model.name],
    ["model.sha256", report.model.sha256],
    ["seed", String(report.seed)],
  ].map(([name = "", value = ""]) => `      <property name="${name}" value="${attribute(value)}"/>`);
  return [
    `  <testsuite name="espalier.${suite}" ${totals(cases)} skipped="${skipped}" time="0">`,
    "    <properties>",
    ...properties,
    "    </properties>",
    ...cases.flatMap((one) => caseLines(report, suite, one)),
    "  </testsuite>",
  ];
}

function caseLines(report: Report, suite: string, one: TestCase): string[] {
  const classname = `espalier.${attribute(report.target)}.${suite}`;
  const open = `    <testcase name="${attribute(one.name)}" classname="${classname}" time="0">`;
  if (one.outcome === "fail") {
    const text = [one.message, ...one.detail].map((line) => escapeXml(line, LONGEST)).join("\n");
    return [
      open,
      `      <failure type="${suite}" message="${attribute(one.message)}">${text}</failure>`,
      "    </testcase>",
    ];
  }
  if (one.outcome === "skip") return [open, `      <skipped message="${attribute(one.message)}"/>`, "    </testcase>"];
  const text = one.detail.map((line) => escapeXml(line, LONGEST)).join("\n");
  return [open, `      <system-out>${text}</system-out>`, "    </testcase>"];
}

function requirementCase(row: Requirement): TestCase {
  const outcome = row.verdict === "not-applicable" ? "skip" : row.verdict;
  const detail = [
    `limit: ${row.comparison} ${formatQuantity(row.limit, row.unit)}`,
    `value: ${row.value === null ? "none" : formatQuantity(row.value, row.unit)}`,
    ...(row.interval === undefined ? [] : [`interval: ${formatInterval(row.interval, row.unit)}`]),
    `decided by: ${row.decidedBy === "value" ? "the value" : "the pessimistic end of the interval"}`,
    `evidence: ${formatEvidence(row.evidence)}; ${row.evidence.how} (${row.evidence.source})`,
    ...(row.caution === undefined ? [] : [`caution: ${row.caution}`]),
    ...(row.note === undefined ? [] : [`note: ${row.note}`]),
  ];
  const message = outcome === "skip" ? `Does not apply: ${row.notApplicable ?? ""}` : failureSentence(row);
  return { name: `${row.id}: ${row.title}`, outcome, message, detail };
}

function proofCase(proof: Proof): TestCase {
  const found = proof.difference === null ? "the check could not run" : formatScientific(proof.difference);
  const detail = [
    `largest difference: ${found} (${proof.unit}), tolerance ${formatScientific(proof.tolerance)}`,
    `${proof.samples} samples in ${proof.runtime}`,
    ...(proof.note === undefined ? [] : [proof.note]),
  ];
  const message =
    proof.difference === null
      ? "The check could not run"
      : `Largest difference ${found} is above the tolerance ${formatScientific(proof.tolerance)}`;
  return { name: `${proof.id}: ${proof.title}`, outcome: proof.pass ? "pass" : "fail", message, detail };
}

function sparsityCases(sparsity: Sparsity | undefined): TestCase[] {
  return (sparsity?.layers ?? [])
    .filter((layer) => layer.eligible)
    .map((layer) => ({
      name: `${sparsity?.pattern ?? ""}: ${layer.node}`,
      outcome: layer.valid === true ? "pass" : "fail",
      message:
        layer.valid === undefined ? "The emitted weights were not checked" : "A block of weights breaks the pattern",
      detail: [`${layer.zeros} of ${layer.weights} weights are zero`],
    }));
}

function totals(cases: readonly TestCase[]): string {
  const failures = cases.filter((one) => one.outcome === "fail").length;
  return `tests="${cases.length}" failures="${failures}" errors="0"`;
}

function attribute(text: string): string {
  return escapeXml(text, LONGEST);
}
