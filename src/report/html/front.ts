import { formatNumber, formatQuantity } from "../format.ts";
import { requirementCells } from "../requirement-row.ts";
import type { Report } from "../schema.ts";
import type { Requirement } from "../schema-figures.ts";
import { code, evidenceMark, facts, figure, section, small, table, text, verdictMark } from "./elements.ts";
import { type Html, join, markup, NOTHING, sentence } from "./markup.ts";

/** What a reader sees first: the verdict, what it is about, and who made it with what. */
export function masthead(report: Report): Html {
  const { verdict, model, profile, dataset, product } = report;
  const passed = verdict.result === "pass";
  const splits = dataset.splits.map((split) => `${split.name} ${formatNumber(split.samples)}`).join(", ");
  return markup`<header>
<p class="kicker">Compliance report</p>
<h1>${model.name} for ${report.target}, ${profile.name}</h1>
<div class="verdict ${verdict.result}" role="status"><strong class="${verdict.result}">${passed ? "\u2713 PASS" : "\u2717 FAIL"}</strong><p>${sentence(verdict.sentence)}</p></div>
${facts([
  ["Device", join([sentence(profile.description), small(sentence(`Constants: ${profile.evidence}`))])],
  [
    "Model",
    join([
      model.source,
      small(
        `${formatNumber(model.parameters)} parameters, ${formatNumber(model.macs)} MACs, ${formatQuantity(model.bytes, "bytes")}`,
      ),
    ]),
  ],
  ["Data", join([dataset.name, small(splits)])],
  ["Command", join([code(report.command), small(`seed ${report.seed}; ${product.name} ${product.version}`)])],
  [
    "Artifact",
    report.shipped === undefined
      ? NOTHING
      : join([`holds the ${report.shipped.model} model`, small(sentence(report.shipped.reason))]),
  ],
])}</header>
`;
}

export function requirementSection(report: Report): Html {
  const rows = report.requirements.map(requirementRow);
  const columns = [
    text("Requirement"),
    figure("Limit"),
    figure("Value"),
    figure("Margin"),
    text("Evidence"),
    text("Verdict"),
  ];
  const legend =
    "Margin is the room between the deciding figure and the limit. A measured row is decided by its value unless it says otherwise; a predicted row by the pessimistic end of its interval.";
  return section("Requirements", [table(columns, rows, "requirements"), markup`<small>${sentence(legend)}</small>\n`]);
}

export function noteSection(report: Report): Html {
  if (report.notes.length === 0 && report.diagnostics.length === 0) return NOTHING;
  const notes = report.notes.map((note) => markup`<li>${sentence(note)}</li>\n`);
  const diagnostics = report.diagnostics.slice(0, 30).map((one) => {
    const where = one.where === undefined ? NOTHING : markup` (${one.where})`;
    const hint = one.hint === undefined ? NOTHING : markup` ${sentence(one.hint)}`;
    return markup`<li><b>${one.severity}</b> ${code(one.code)}: ${sentence(one.message)}${where}.${hint}</li>\n`;
  });
  const left = report.diagnostics.length - diagnostics.length;
  if (left > 0) diagnostics.push(markup`<li>${left} more are in report.json.</li>\n`);
  return section("What the reader must know", [markup`<ul class="notes">\n${join([...notes, ...diagnostics])}</ul>\n`]);
}

function requirementRow(row: Requirement) {
  const cells = requirementCells(row);
  const caution =
    row.caution === undefined
      ? NOTHING
      : markup`<small class="caution"><b>Caution.</b> ${sentence(row.caution)}</small>`;
  const remarks = [row.notApplicable, row.note].filter((remark) => remark !== undefined);
  const title = join([
    markup`<b>${row.title}</b>`,
    small(sentence(`${row.evidence.how.replace(/\.?$/, ".")} Source: ${row.evidence.source}.`)),
    caution,
    ...remarks.map((remark) => small(sentence(remark))),
  ]);
  const spread = cells.interval === "" ? NOTHING : small(cells.interval);
  const margin = cells.marginPercent === "" ? cells.margin : join([cells.margin, small(cells.marginPercent)]);
  const decided = cells.worst === "" ? NOTHING : small(markup`decided by <b>${cells.worst}</b>`);
  return [
    title,
    cells.limit,
    join([cells.value, spread]),
    margin,
    join([evidenceMark(row.evidence), decided]),
    verdictMark(row.verdict),
  ];
}
