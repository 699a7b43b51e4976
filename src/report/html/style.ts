import { COLOUR, FONT } from "../charts/theme.ts";

const GOOD = "#14632f";
const BAD = "#a4161a";

/** The whole style sheet of the page: screen first, then A4 paper (nothing split inside a row or a figure, pages numbered). */
export const STYLE = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: ${COLOUR.ink}; font: 14px/1.45 ${FONT}; font-variant-numeric: tabular-nums; }
main { max-width: 900px; margin: 0 auto; padding: 32px 28px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 2px 0 14px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 8px; padding-top: 10px; border-top: 2px solid ${COLOUR.ink}; break-after: avoid; }
h3 { font-size: 14px; margin: 20px 0 6px; break-after: avoid; }
p { margin: 6px 0; overflow-wrap: anywhere; }
.kicker { text-transform: uppercase; letter-spacing: .09em; font-size: 11.5px; color: ${COLOUR.quiet}; margin: 0; }
.lead { color: ${COLOUR.quiet}; max-width: 76ch; }
.quiet, small { color: ${COLOUR.quiet}; }
small { display: block; font-size: 11.5px; line-height: 1.35; margin-top: 1px; overflow-wrap: anywhere; }
.caution { color: #9a4400; }
code { font: 12px/1.4 "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.verdict { display: flex; gap: 18px; align-items: center; border: 2px solid; border-left-width: 14px; padding: 12px 18px; margin: 0 0 18px; break-inside: avoid; }
.verdict strong { font-size: 26px; letter-spacing: .04em; white-space: nowrap; }
.verdict p { color: ${COLOUR.ink}; margin: 0; font-size: 15px; }
.verdict.pass { border-color: ${GOOD}; background: #f1f8f3; }
.verdict.fail { border-color: ${BAD}; background: #fdf3f3; }
.pass { color: ${GOOD}; } .fail { color: ${BAD}; }
td .pass, td .fail { font-weight: bold; white-space: nowrap; }
.facts { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 28px; margin: 0; }
.facts div { display: grid; grid-template-columns: 96px 1fr; gap: 10px; break-inside: avoid; min-width: 0; }
.facts dt { color: ${COLOUR.quiet}; }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin: 8px 0 4px; font-size: 12.5px; line-height: 1.4; }
th { text-align: left; font-weight: 600; font-size: 11.5px; color: ${COLOUR.quiet}; vertical-align: bottom; border-bottom: 1.5px solid ${COLOUR.ink}; padding: 3px 8px; }
td { vertical-align: top; border-bottom: 1px solid ${COLOUR.grid}; padding: 4px 8px; }
th:first-child, td:first-child { padding-left: 0; } th:last-child, td:last-child { padding-right: 0; }
th.figure, td.figure { text-align: right; white-space: nowrap; }
td.text, td.name { overflow-wrap: anywhere; }
.short { white-space: nowrap; }
td.name { font: 11.5px/1.45 "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; }
table.keep { break-inside: avoid; }
thead { display: table-header-group; } tr { break-inside: avoid; }
table.requirements { font-size: 13.5px; } table.requirements td { padding-top: 7px; padding-bottom: 7px; }
table.requirements td:first-child { width: 40%; }
.evidence { white-space: nowrap; border-bottom: 2px solid; }
.evidence.measured { border-color: ${COLOUR.after}; }
.evidence.simulated { border-bottom-style: dashed; border-color: ${COLOUR.after}; }
.evidence.predicted { border-bottom-style: dotted; border-color: ${COLOUR.chosen}; }
ul.notes { margin: 8px 0; padding-left: 20px; } ul.notes li { margin: 4px 0; overflow-wrap: anywhere; }
figure { margin: 18px 0 10px; break-inside: avoid; }
figure h3 { margin-top: 0; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { font-size: 12px; color: ${COLOUR.quiet}; margin-top: 4px; max-width: 96ch; overflow-wrap: anywhere; }
.signature { break-inside: avoid; }
.signatories { display: grid; grid-template-columns: 1.2fr 1fr 1.5fr .8fr; gap: 28px; margin-top: 14px; }
.line { border-bottom: 1px solid ${COLOUR.ink}; height: 40px; }
.hash { font-size: 11px; }
@media (max-width: 640px) { .facts, .signatories { grid-template-columns: 1fr; } main { padding: 16px; } table { display: block; overflow-x: auto; } }
@page { size: A4; margin: 15mm 14mm 17mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt ${FONT}; color: #5b6570; } @bottom-left { content: "Espalier compliance report"; font: 8pt ${FONT}; color: #5b6570; } }
@media print {
  body { font-size: 9.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  table { font-size: 8.2pt; } th { font-size: 7.8pt; } table.requirements { font-size: 8.8pt; } small { font-size: 7.6pt; }
  td { padding-top: 2pt; padding-bottom: 2pt; }
  td.name { font-size: 7.4pt; } code { font-size: 7.6pt; } figcaption { font-size: 8pt; }
  h2 { margin-top: 20pt; }
}
`;
