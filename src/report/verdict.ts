import { EspalierError } from "../diagnostics/index.ts";
import { formatApart, formatQuantity } from "./format.ts";
import type { Verdict } from "./schema.ts";
import type { Interval, Requirement, RequirementFacts } from "./schema-figures.ts";
import type { Proof, ProofFacts, Sparsity } from "./schema-sections.ts";

/**
 * Judges one requirement.
 * A predicted row, and a simulated one with a spread, is decided by the pessimistic end of its interval; a measured row by
 * its value, unless it asks for the pessimistic end. A row without a figure fails: it passes over nothing in silence.
 * @throws EspalierError "internal" when the figures contradict each other or a predicted row has no spread.
 */
export function judge(facts: RequirementFacts): Requirement {
  checkFigures(facts);
  if (facts.notApplicable !== undefined) {
    return {
      ...facts,
      decidedBy: facts.decidedBy ?? "value",
      pessimistic: null,
      margin: null,
      verdict: "not-applicable",
    };
  }
  if (facts.value === null) {
    const note = facts.note ?? "No figure could be established, so the requirement cannot be said to hold.";
    return { ...facts, note, decidedBy: "value", pessimistic: null, margin: null, verdict: "fail" };
  }
  const interval = spreadOf(facts, facts.value);
  const pessimistic = pessimisticEnd(facts, interval ?? [facts.value, facts.value]);
  const decidedBy = decisionRule(facts, interval !== undefined);
  const deciding = decidedBy === "value" ? facts.value : pessimistic;
  const verdict = holds(deciding, facts) ? "pass" : "fail";
  const caution = verdict === "pass" && !holds(pessimistic, facts) ? cautionText(facts, pessimistic) : undefined;
  return {
    ...facts,
    ...(interval === undefined ? {} : { interval }),
    decidedBy,
    pessimistic,
    margin: marginOf(deciding, facts),
    verdict,
    ...(caution === undefined ? {} : { caution }),
  };
}

/** A proof passes when its difference was found and is within its tolerance. */
export function judgeProof(facts: ProofFacts): Proof {
  return { ...facts, pass: facts.difference !== null && facts.difference <= facts.tolerance };
}

/**
 * The whole verdict: pass (exit code 0) when at least one requirement applies, all that apply pass, every proof agrees and
 * every eligible layer obeys its sparsity pattern; else fail (exit code 2).
 */
export function overallVerdict(
  requirements: readonly Requirement[],
  proofs: readonly Proof[],
  sparsity: Sparsity | undefined,
): Verdict {
  const applicable = requirements.filter((row) => row.verdict !== "not-applicable");
  const broken = applicable.filter((row) => row.verdict === "fail");
  const disagreeing = proofs.filter((proof) => !proof.pass);
  const invalid = invalidLayers(sparsity);
  const faults: string[] = [];
  if (applicable.length === 0) faults.push("no requirement applied, so nothing was established");
  if (broken.length > 0) {
    const rows = broken.map(failureSentence).join("; ");
    faults.push(
      `${broken.length} of ${count(applicable.length, "requirement")} ${broken.length === 1 ? "does" : "do"} not hold: ${rows}`,
    );
  }
  if (disagreeing.length > 0) {
    faults.push(
      `${disagreeing.length} of ${count(proofs.length, "proof")} failed: ${disagreeing.map((proof) => proof.title).join("; ")}`,
    );
  }
  if (invalid.length > 0)
    faults.push(`${count(invalid.length, "eligible layer")} not ${sparsity?.pattern ?? ""} sparse`);
  if (faults.length > 0) return { result: "fail", exitCode: 2, sentence: capital(`${faults.join(". ")}.`) };
  return { result: "pass", exitCode: 0, sentence: passSentence(applicable, proofs) };
}

/** Eligible layers whose emitted weights break the pattern, or were not checked. */
export function invalidLayers(sparsity: Sparsity | undefined): Sparsity["layers"] {
  return (sparsity?.layers ?? []).filter((layer) => layer.eligible && layer.valid !== true);
}

/** "Latency 63.2 ms, at worst 72.0 ms, is above the limit of 70.0 ms": the figure that decides and the limit. */
export function failureSentence(row: Requirement): string {
  if (row.value === null) return `${row.title}: no figure`;
  const [value, limit, worst] = formatApart([row.value, row.limit, row.pessimistic ?? row.value], row.unit);
  const deciding = row.decidedBy === "pessimistic" && row.pessimistic !== row.value ? `, at worst ${worst},` : "";
  return `${row.title} ${value}${deciding} is ${BROKEN[row.comparison]} ${limit}`;
}

const BROKEN = { "<=": "above the limit of", ">=": "below the required", "==": "not the required" } as const;

/** 95 % Wilson score interval of a proportion (E. B. Wilson, JASA 22 (1927) 209-212), z = 1.959964. `n` = 0 gives [0, 1]. */
export function wilsonInterval(right: number, n: number): Interval {
  if (n === 0) return [0, 1];
  const z = 1.959963984540054;
  const p = right / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function passSentence(applicable: readonly Requirement[], proofs: readonly Proof[]): string {
  const rows = applicable.length === 1 ? "The one requirement holds" : `All ${applicable.length} requirements hold`;
  const checks =
    proofs.length === 0
      ? "no proof was run"
      : proofs.length === 1
        ? "the one proof agrees"
        : `all ${proofs.length} proofs agree`;
  const close = applicable.filter((row) => row.caution !== undefined).length;
  return `${rows}, and ${checks}.${close === 0 ? "" : ` ${close} ${close === 1 ? "row is" : "rows are"} within the error of measurement.`}`;
}

function spreadOf(facts: RequirementFacts, value: number): Interval | undefined {
  if (facts.interval !== undefined) return facts.interval;
  if (facts.evidence.errorPercent === undefined) return undefined;
  const half = (Math.abs(value) * facts.evidence.errorPercent) / 100;
  return [value - half, value + half];
}

function pessimisticEnd(facts: RequirementFacts, [low, high]: Interval): number {
  if (facts.comparison === "<=") return high;
  if (facts.comparison === ">=") return low;
  return Math.abs(high - facts.limit) >= Math.abs(low - facts.limit) ? high : low;
}

function decisionRule(facts: RequirementFacts, hasSpread: boolean): Requirement["decidedBy"] {
  if (facts.evidence.kind === "predicted") return "pessimistic";
  if (facts.evidence.kind === "simulated" && hasSpread) return "pessimistic";
  return facts.decidedBy ?? "value";
}

function holds(figure: number, { comparison, limit }: RequirementFacts): boolean {
  if (comparison === "<=") return figure <= limit;
  if (comparison === ">=") return figure >= limit;
  return figure === limit;
}

function marginOf(figure: number, { comparison, limit }: RequirementFacts): NonNullable<Requirement["margin"]> {
  const room = comparison === "<=" ? limit - figure : comparison === ">=" ? figure - limit : -Math.abs(figure - limit);
  const absolute = room === 0 ? 0 : room; // never -0: it would print a sign
  return { absolute, percent: limit === 0 ? null : (100 * absolute) / Math.abs(limit) };
}

function cautionText(facts: RequirementFacts, pessimistic: number): string {
  return `Passes by its value; the interval reaches ${formatQuantity(pessimistic, facts.unit)}, which would not pass.`;
}

function checkFigures(facts: RequirementFacts): void {
  const bad = (message: string) => {
    throw new EspalierError("internal", `internal: ${message}`, { where: `requirement ${facts.id}` });
  };
  const figures = [facts.limit, facts.value ?? 0, ...(facts.interval ?? []), facts.evidence.errorPercent ?? 0];
  if (!figures.every(Number.isFinite)) bad(`a figure is not finite: ${figures.join(", ")}`);
  if (facts.notApplicable !== undefined || facts.value === null) return;
  if (facts.interval !== undefined) {
    const [low, high] = facts.interval;
    if (low > facts.value || facts.value > high)
      bad(`value ${facts.value} lies outside its interval [${low}, ${high}]`);
  }
  const hasSpread = facts.interval !== undefined || facts.evidence.errorPercent !== undefined;
  if (facts.evidence.kind === "predicted" && !hasSpread) bad("a predicted figure has neither an interval nor an error");
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
