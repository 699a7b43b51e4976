import { formatApart, formatEvidence, formatInterval, formatNumber } from "./format.ts";
import type { Requirement } from "./schema-figures.ts";

/** A requirement as the cells that every rendering shows; figures of one row have one scale and enough digits to differ. */
export interface RequirementCells {
  readonly limit: string;
  readonly value: string;
  /** The interval, "" when there is none. */
  readonly interval: string;
  /** The figure that decides when it is not the value: the pessimistic end; else "". */
  readonly worst: string;
  /** Room to the limit in the unit, signed. */
  readonly margin: string;
  /** The same in percent of the limit, signed; "" when the limit is 0. */
  readonly marginPercent: string;
  readonly evidence: string;
  readonly verdict: "pass" | "FAIL" | "n/a";
}

const SIGN = { "<=": "\u2264", ">=": "\u2265", "==": "=" } as const;
const WORD = { pass: "pass", fail: "FAIL", "not-applicable": "n/a" } as const;

export function requirementCells(row: Requirement): RequirementCells {
  const verdict = WORD[row.verdict];
  const evidence = formatEvidence(row.evidence);
  if (row.value === null || row.margin === null) {
    const [limit = ""] = formatApart([row.limit], row.unit);
    const value = verdict === "n/a" ? "\u2013" : "none";
    return {
      limit: `${SIGN[row.comparison]} ${limit}`,
      value,
      interval: "",
      worst: "",
      margin: "",
      marginPercent: "",
      evidence,
      verdict,
    };
  }
  const pessimistic = row.pessimistic ?? row.value;
  const [limit = "", value = "", worst = ""] = formatApart([row.limit, row.value, pessimistic], row.unit);
  const [margin = ""] = formatApart([row.margin.absolute], row.unit);
  const percent = row.margin.percent;
  return {
    limit: `${SIGN[row.comparison]} ${limit}`,
    value,
    interval: row.interval === undefined ? "" : formatInterval(row.interval, row.unit),
    worst: row.decidedBy === "pessimistic" && pessimistic !== row.value ? worst : "",
    margin: signed(margin, row.margin.absolute),
    marginPercent: percent === null ? "" : signed(`${formatNumber(percent, 1)}\u00a0%`, percent),
    evidence,
    verdict,
  };
}

function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : text;
}
