import { type Chart, drawChart } from "../charts/svg.ts";
import { formatEvidence } from "../format.ts";
import type { Evidence } from "../schema-figures.ts";
import { type Content, drawing, type Html, join, markup, NOTHING, sentence } from "./markup.ts";

/** A column of a table: figures align right, names are set in a fixed-width face. */
export interface Column {
  readonly title: string;
  readonly kind: "text" | "figure" | "name";
}

export const text = (title: string): Column => ({ title, kind: "text" });
export const figure = (title: string): Column => ({ title, kind: "figure" });
export const name = (title: string): Column => ({ title, kind: "name" });

/** Names up to this length stay on one line; longer ones, which untrusted files may hold, may break anywhere. */
const UNBROKEN = 24;

/** Tables of at most this many rows are not split between printed pages. */
const KEPT_WHOLE = 8;

/** A table whose head repeats on each printed page; columns that hold nothing in any row are left out. */
export function table(columns: readonly Column[], rows: readonly (readonly Content[])[], className = ""): Html {
  const used = columns.map((_, at) => rows.some((row) => !isEmpty(row[at])));
  const cells = (row: readonly Content[], tag: "td" | "th") =>
    join(
      row.flatMap((cell, at) => {
        if (!used[at]) return [];
        const kind = columns[at]?.kind ?? "text";
        const short = typeof cell === "string" && cell.length <= UNBROKEN ? " short" : "";
        return [
          tag === "th"
            ? markup`<th scope="col" class="${kind}">${cell}</th>`
            : markup`<td class="${kind}${short}">${cell}</td>`,
        ];
      }),
    );
  const head = cells(
    columns.map((column) => column.title),
    "th",
  );
  const body = join(rows.map((row) => markup`<tr>${cells(row, "td")}</tr>\n`));
  const classes = [className, rows.length <= KEPT_WHOLE ? "keep" : ""].filter((one) => one !== "").join(" ");
  const named = classes === "" ? NOTHING : markup` class="${classes}"`;
  return markup`<table${named}><thead><tr>${head}</tr></thead><tbody>\n${body}</tbody></table>\n`;
}

/** A section with a heading; nothing when all its content is empty. */
export function section(title: string, content: readonly Html[], lead = ""): Html {
  const filled = content.filter((piece) => piece.html !== "");
  if (filled.length === 0) return NOTHING;
  const intro = lead === "" ? NOTHING : markup`<p class="lead">${sentence(lead)}</p>\n`;
  return markup`<section>\n<h2>${title}</h2>\n${intro}${join(filled)}</section>\n`;
}

/** A chart with its title above and its caption below; nothing when there is no chart. */
export async function chartFigure(chart: Chart | null): Promise<Html> {
  if (chart === null) return NOTHING;
  const svg = drawing(await drawChart(chart));
  return markup`<figure>\n<h3>${chart.title}</h3>\n${svg}\n<figcaption>${sentence(chart.caption)}</figcaption>\n</figure>\n`;
}

/** Term and definition pairs, in two columns. */
export function facts(pairs: readonly (readonly [string, Content])[]): Html {
  const rows = pairs
    .filter(([, value]) => !isEmpty(value))
    .map(([term, value]) => markup`<div><dt>${term}</dt><dd>${value}</dd></div>\n`);
  return markup`<dl class="facts">\n${join(rows)}</dl>\n`;
}

/** A paragraph that says what a shortened table leaves out; nothing when it leaves out nothing. */
export function leftOut(total: number, shown: number, what: string): Html {
  return total <= shown ? NOTHING : markup`<p class="quiet">${total - shown} more ${what} are in report.json.</p>\n`;
}

/** How a figure was established, marked by shape as well as by colour. */
export function evidenceMark(evidence: Evidence): Html {
  return markup`<span class="evidence ${evidence.kind}">${formatEvidence(evidence)}</span>`;
}

export function verdictMark(verdict: "pass" | "fail" | "not-applicable"): Html {
  if (verdict === "pass") return markup`<span class="pass">\u2713&nbsp;pass</span>`;
  if (verdict === "fail") return markup`<span class="fail">\u2717&nbsp;FAIL</span>`;
  return markup`<span class="quiet short">not&nbsp;applicable</span>`;
}

export function small(content: Content): Html {
  return markup`<small>${content}</small>`;
}

/** A name of a node, file or tensor. */
export function code(content: string): Html {
  return markup`<code>${content}</code>`;
}

function isEmpty(cell: Content | undefined): boolean {
  return cell === undefined || cell === "" || (typeof cell === "object" && cell.html === "");
}
