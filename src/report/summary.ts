import { formatQuantity } from "./format.ts";
import { requirementCells } from "./requirement-row.ts";
import type { Report } from "./schema.ts";
import { printable, shorten } from "./text.ts";

const WIDTH = 100;
const NARROWEST_TITLE = 14;

/** The end of a run as plain text for a terminal: verdict, requirements, artifacts, notes; no line longer than 100 columns. */
export function renderSummary(report: Report): string {
  const subject = `${report.model.name} for ${report.target}, ${report.profile.name}, seed ${report.seed}`;
  const verdict = report.verdict.result === "pass" ? "PASS" : "FAIL";
  const lines = [
    clip(`${verdict}  ${printable(subject)}`),
    ...wrap(report.verdict.sentence, "      "),
    "",
    ...requirementLines(report),
    "",
    ...artifactLines(report),
  ];
  if (report.notes.length > 0) lines.push("", "Notes", ...report.notes.flatMap((note) => wrap(note, "  ")));
  return `${lines.map(plain).join("\n")}\n`;
}

/** Titles wrap in the first column, so that the figures keep theirs. */
function requirementLines(report: Report): string[] {
  const header = ["Limit", "Value", "Worst", "Margin", "Evidence", "Verdict"];
  const rows = report.requirements.map((row) => {
    const cells = requirementCells(row);
    return [cells.limit, cells.value, cells.worst, cells.marginPercent, cells.evidence, cells.verdict].map(plain);
  });
  const used = header.map((title, column) => title !== "Worst" || rows.some((row) => row[column] !== ""));
  const table = [header, ...rows].map((row) => row.filter((_, column) => used[column]));
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  const firstWord = widths.length - 2; // evidence and verdict are words: they align left, the figures right
  const titles = ["Requirement", ...report.requirements.map((row) => printable(row.title))];
  const taken = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(
    NARROWEST_TITLE,
    Math.min(WIDTH - taken, Math.max(...titles.map((title) => [...title].length))),
  );
  return table.flatMap((row, index) => {
    const [first = "", ...more] = wrap(titles[index] ?? "", "", room);
    const cells = row.map((cell, column) =>
      column < firstWord ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    );
    return [clip([first.padEnd(room), ...cells].join("  ").trimEnd()), ...more.map((line) => `  ${line}`)];
  });
}

function artifactLines(report: Report): string[] {
  if (report.artifacts.length === 0) return ["No artifact was written."];
  const rows = report.artifacts.map((artifact) => ({
    name: shorten(printable(artifact.file), 36),
    size: plain(formatQuantity(artifact.bytes, "bytes")),
    rest: `${artifact.sha256.slice(0, 12)}  ${printable(artifact.what)}`,
  }));
  const name = Math.max(...rows.map((row) => row.name.length));
  const size = Math.max(...rows.map((row) => row.size.length));
  return [
    "Artifacts",
    ...rows.map((row) => clip(`  ${row.name.padEnd(name)}  ${row.size.padStart(size)}  ${row.rest}`)),
  ];
}

/** Words of a text on lines of at most `width` columns, each after the indent. */
function wrap(text: string, indent: string, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of printable(text, 600).split(" ")) {
    const whole = shorten(word, width - indent.length);
    if (line !== indent && [...line].length + 1 + [...whole].length > width) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? whole : ` ${whole}`;
  }
  return [...lines, line];
}

function clip(line: string): string {
  const points = [...line];
  return points.length <= WIDTH ? line : `${points.slice(0, WIDTH - 1).join("")}\u2026`;
}

/** Signs that every terminal font has, at one column each. */
function plain(text: string): string {
  return text
    .replace(/\u00a0/g, " ")
    .replace(/[\u2212\u2013]/g, "-")
    .replace(/\u2264/g, "<=")
    .replace(/\u2265/g, ">=");
}
