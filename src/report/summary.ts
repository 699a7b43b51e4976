import { formatQuantity } from "./format.ts";
import { requirementCells } from "./requirement-row.ts";
import type { Report } from "./schema.ts";
import { printable, shorten } from "./text.ts";

const WIDTH = 100;

/** The end of a run as plain text for a terminal: verdict, requirements, artifacts, notes; no line longer than 100 columns. */
export function renderSummary(report: Report): string {
  const subject = `${report.model.name} for ${report.target} (${report.profile.name}), seed ${report.seed}`;
  const lines = [
    clip(`${report.verdict.result.toUpperCase()}  ${printable(subject)}`),
    ...wrap(report.verdict.sentence, "      "),
    "",
    ...requirementLines(report),
    "",
    ...artifactLines(report),
  ];
  if (report.notes.length > 0) lines.push("", "Notes", ...report.notes.flatMap((note) => wrap(note, "  ")));
  return `${plain(lines.join("\n"))}\n`;
}

function requirementLines(report: Report): string[] {
  const header = ["Limit", "Value", "Worst", "Margin", "Evidence", "Verdict"];
  const rows = report.requirements.map((row) => {
    const cells = requirementCells(row);
    return [cells.limit, cells.value, cells.worst, cells.marginPercent, cells.evidence, cells.verdict];
  });
  const used = header.map((_, column) => column !== 2 || rows.some((row) => row[column] !== ""));
  const kept = [header, ...rows].map((row) => row.filter((_, column) => used[column]));
  const widths = (kept[0] ?? []).map((_, column) => Math.max(...kept.map((row) => [...(row[column] ?? "")].length)));
  const taken = widths.reduce((sum, width) => sum + width + 2, 0);
  const titles = ["Requirement", ...report.requirements.map((row) => printable(row.title))];
  const room = Math.max(12, Math.min(WIDTH - taken, Math.max(...titles.map((title) => [...title].length))));
  const lastText = widths.length - 2; // evidence and verdict are words: they align left, figures right
  return kept.map((row, index) => {
    const cells = row.map((cell, column) =>
      column >= lastText ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return clip([shorten(titles[index] ?? "", room).padEnd(room), ...cells].join("  ").trimEnd());
  });
}

function artifactLines(report: Report): string[] {
  if (report.artifacts.length === 0) return ["No artifact was written."];
  const names = report.artifacts.map((artifact) => shorten(printable(artifact.file), 36));
  const sizes = report.artifacts.map((artifact) => formatQuantity(artifact.bytes, "bytes"));
  const [name, size] = [Math.max(...names.map((text) => text.length)), Math.max(...sizes.map((text) => text.length))];
  const rows = report.artifacts.map((artifact, index) =>
    clip(
      `  ${(names[index] ?? "").padEnd(name)}  ${(sizes[index] ?? "").padStart(size)}  ${artifact.sha256.slice(0, 12)}  ${printable(artifact.what)}`,
    ),
  );
  return ["Artifacts", ...rows];
}

/** Words of a sentence on lines of at most 100 columns; the first line has the indent too. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of printable(text, 600)
    .split(" ")
    .map((one) => shorten(one, WIDTH - indent.length))) {
    if (line !== indent && [...line].length + 1 + [...word].length > WIDTH) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}

function clip(line: string): string {
  const points = [...line];
  return points.length <= WIDTH ? line : `${points.slice(0, WIDTH - 1).join("")}\u2026`;
}

/** Signs that every terminal font has at its usual width. */
function plain(text: string): string {
  return text
    .replace(/\u00a0/g, " ")
    .replace(/\u2212/g, "-")
    .replace(/\u2264/g, "<=")
    .replace(/\u2265/g, ">=")
    .replace(/\u2013/g, "-");
}
