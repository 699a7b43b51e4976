import { readFileSync } from "node:fs";
import { buildReport, type Report, ReportFacts, type RequirementFacts } from "../../../src/report/index.ts";

export const TARGETS = ["cpu", "ampere", "npu", "mcu"] as const;
export type Target = (typeof TARGETS)[number];

/** The facts of a sample run; invented figures of a real run's shape. */
export function sampleFacts(target: Target): ReportFacts {
  const file = new URL(`../../fixtures/report/${target}.json`, import.meta.url);
  return ReportFacts.parse(JSON.parse(readFileSync(file, "utf8")));
}

export function sampleReport(target: Target): Report {
  return buildReport(sampleFacts(target));
}

/** A measured requirement that passes: 40 of at most 64 bytes. */
export function requirement(changes: Partial<RequirementFacts> = {}): RequirementFacts {
  return {
    id: "flash",
    title: "Flash",
    comparison: "<=",
    limit: 64,
    value: 40,
    unit: "bytes",
    evidence: { kind: "measured", how: "Read.", source: "file" },
    ...changes,
  };
}

/** Every string of a value replaced: the worst that an untrusted model could put in each place at once. */
export function withStrings<T>(value: T, replace: (text: string, key: string) => string, key = ""): T {
  if (typeof value === "string") return replace(value, key) as T;
  if (Array.isArray(value)) return value.map((item) => withStrings(item, replace, key)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, withStrings(item, replace, name)]);
  return Object.fromEntries(entries) as T;
}
