import { formatChange, formatEvidence, formatNumber, formatQuantity, formatScientific, formatShare } from "./format.ts";
import { requirementCells } from "./requirement-row.ts";
import type { Report } from "./schema.ts";
import type { Estimate } from "./schema-figures.ts";
import { codeSpan, escapeMarkdown as plain } from "./text.ts";

/** Rows that a table of layers, groups or proofs shows; report.json has all. */
const LONGEST_TABLE = 40;

/** report.md: what a reviewer reads in a pull request. GitHub-flavoured tables; every name is escaped. */
export function renderMarkdown(report: Report): string {
  const sections = [
    head(report),
    requirements(report),
    notes(report),
    models(report),
    layers(report),
    proofs(report),
    sparsity(report),
    artifacts(report),
    diagnostics(report),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function head(report: Report): string {
  const { verdict, model, target, profile, dataset } = report;
  return [
    `# ${verdict.result === "pass" ? "PASS" : "FAIL"}: ${plain(model.name, 60)} for ${plain(target, 40)}`,
    "",
    `${plain(verdict.sentence, 600)}`,
    "",
    `Profile ${codeSpan(profile.name)}; data ${plain(dataset.name)}; seed ${plain(String(report.seed))}; ${plain(report.product.name)} ${plain(report.product.version)}; model SHA-256 \`${model.sha256}\`.`,
  ].join("\n");
}

function requirements(report: Report): string {
  const rows = report.requirements.map((row) => {
    const cells = requirementCells(row);
    const value = cells.worst === "" ? cells.value : `${cells.value} (worst ${cells.worst})`;
    const margin = cells.marginPercent === "" ? cells.margin : `${cells.margin} (${cells.marginPercent})`;
    const verdict = cells.verdict === "FAIL" ? "**FAIL**" : cells.verdict;
    const remarks = [row.notApplicable, row.caution, row.note].filter((text) => text !== undefined);
    const title = [row.title, ...remarks].map((text) => plain(text, 300)).join(". ");
    return [title, cells.limit, value, margin, cells.evidence, verdict];
  });
  return `## Requirements\n\n${table(["Requirement", ">Limit", ">Value", ">Margin", "Evidence", "Verdict"], rows)}`;
}

function notes(report: Report): string {
  const shipped =
    report.shipped === undefined
      ? []
      : [`The artifact holds the ${report.shipped.model} model. ${report.shipped.reason}`];
  const lines = [...shipped, ...report.notes].map((note) => `- ${plain(note, 600)}`);
  return lines.length === 0 ? "" : `## Notes\n\n${lines.join("\n")}`;
}

function models(report: Report): string {
  const [first] = report.models;
  if (first === undefined) return "";
  const rows = report.models.map((model) => [
    `${model.role}: ${plain(model.name, 60)}`,
    model.accuracy === undefined ? "" : `${formatShare(model.accuracy.value)} of ${formatNumber(model.accuracy.n)}`,
    change(model.parameters, first.parameters),
    change(model.macs, first.macs),
    `${formatQuantity(model.bytes, "bytes")}`,
    estimate(model.latency, "ms"),
    estimate(model.arena, "bytes"),
    estimate(model.flash, "bytes"),
  ]);
  const header = ["Model", ">Accuracy", ">Parameters", ">MACs", ">File", ">Latency", ">Arena", ">Flash"];
  return `## What changed\n\n${table(...withoutEmptyColumns(header, rows))}`;
}

function layers(report: Report): string {
  const changed = report.layers.filter((layer) => layer.channelsBefore !== layer.channelsAfter);
  if (report.layers.length === 0) return "";
  if (changed.length === 0) return `No layer changed its width (${report.layers.length} layers).`;
  const rows = changed
    .slice(0, LONGEST_TABLE)
    .map((layer) => [
      codeSpan(layer.node, 60),
      plain(layer.op, 40),
      `${layer.channelsBefore} \u2192 ${layer.channelsAfter}`,
      `${formatNumber(layer.macsBefore)} \u2192 ${formatNumber(layer.macsAfter)}`,
      formatChange(layer.macsBefore, layer.macsAfter),
    ]);
  const text = table(["Layer", "Operator", ">Channels", ">MACs", ">Change"], rows);
  return `${changed.length} of ${report.layers.length} layers changed their width.\n\n${text}${rest(changed.length)}`;
}

function proofs(report: Report): string {
  if (report.proofs.length === 0) return "";
  const ordered = [...report.proofs].sort((a, b) => Number(a.pass) - Number(b.pass));
  const rows = ordered
    .slice(0, LONGEST_TABLE)
    .map((proof) => [
      plain(proof.title),
      proof.difference === null ? "not run" : formatScientific(proof.difference),
      formatScientific(proof.tolerance),
      plain(proof.unit),
      formatNumber(proof.samples),
      plain(proof.runtime),
      proof.pass ? "pass" : "**FAIL**",
    ]);
  const header = ["Proof", ">Largest difference", ">Tolerance", "Unit", ">Samples", "Runtime", "Verdict"];
  return `## Proof\n\n${table(header, rows)}${rest(ordered.length)}`;
}

function sparsity(report: Report): string {
  if (report.sparsity === undefined) return "";
  const { pattern } = report.sparsity;
  const rows = report.sparsity.layers
    .slice(0, LONGEST_TABLE)
    .map((layer) => [
      codeSpan(layer.node, 60),
      layer.eligible ? "yes" : `no: ${plain(layer.reason ?? "no reason given")}`,
      layer.eligible ? (layer.valid === true ? "valid" : "**INVALID**") : "",
      layer.weights === 0 ? "" : formatShare(layer.zeros / layer.weights, 1),
    ]);
  const text = table(["Layer", "Eligible", "Pattern", ">Zeros"], rows);
  return `## Sparsity ${plain(pattern)}\n\n${text}${rest(report.sparsity.layers.length)}`;
}

function artifacts(report: Report): string {
  if (report.artifacts.length === 0) return "## Artifacts\n\nNo artifact was written.";
  const rows = report.artifacts.map((one) => [
    codeSpan(one.file),
    formatNumber(one.bytes),
    plain(one.what),
    `\`${one.sha256}\``,
  ]);
  return `## Artifacts\n\n${table(["File", ">Bytes", "What", "SHA-256"], rows)}`;
}

function diagnostics(report: Report): string {
  if (report.diagnostics.length === 0) return "";
  const lines = report.diagnostics.map((one) => {
    const place = one.where === undefined ? "" : ` (${codeSpan(one.where)})`;
    const hint = one.hint === undefined ? "" : ` ${plain(one.hint, 300)}`;
    return `- ${one.severity} ${codeSpan(one.code)}: ${plain(one.message, 300)}${place}${hint}`;
  });
  return `## Diagnostics\n\n${lines.slice(0, LONGEST_TABLE).join("\n")}${rest(lines.length)}`;
}

/** A Markdown table; a title that begins with ">" makes a column of figures, aligned right. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const titles = header.map((title) => title.replace(/^>/, ""));
  return [line(titles), line(header.map((title) => (title.startsWith(">") ? "---:" : "---"))), ...rows.map(line)].join(
    "\n",
  );
}

function withoutEmptyColumns(header: string[], rows: string[][]): [string[], string[][]] {
  const used = header.map((_, column) => rows.some((row) => row[column] !== ""));
  return [header.filter((_, column) => used[column]), rows.map((row) => row.filter((_, column) => used[column]))];
}

function change(value: number, first: number): string {
  return value === first ? formatNumber(value) : `${formatNumber(value)} (${formatChange(first, value)})`;
}

function estimate(figure: Estimate | undefined, unit: "ms" | "bytes"): string {
  return figure === undefined ? "" : `${formatQuantity(figure.value, unit)} (${formatEvidence(figure.evidence)})`;
}

function rest(total: number): string {
  return total > LONGEST_TABLE ? `\n\n${total - LONGEST_TABLE} more rows are in report.json.` : "";
}
