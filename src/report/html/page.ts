import { fingerprint } from "../deterministic.ts";
import type { Report } from "../schema.ts";
import { changeSection } from "./changes.ts";
import { artifactSection, choiceSection, detailSection } from "./details.ts";
import { masthead, noteSection, requirementSection } from "./front.ts";
import { drawing, type Html, join, markup } from "./markup.ts";
import { proofSection } from "./proof.ts";
import { STYLE } from "./style.ts";

/**
 * report.html: one file with its style and charts inside, no script and nothing fetched; readable on screen and on A4 paper.
 * The order is that of a reader who must sign: verdict, requirements, what changed, proof, how it was chosen, details, signature.
 */
export async function renderHtml(report: Report): Promise<string> {
  const sections = [
    masthead(report),
    requirementSection(report),
    noteSection(report),
    await changeSection(report),
    proofSection(report),
    await choiceSection(report),
    detailSection(report),
    artifactSection(report),
    signature(report),
  ];
  const page = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${report.verdict.result.toUpperCase()}: ${report.model.name} for ${report.target}, ${report.profile.name}</title>
<style>${drawing(STYLE)}</style>
</head>
<body>
<main>
${join(sections)}</main>
</body>
</html>
`;
  return page.html;
}

function signature(report: Report): Html {
  const line = (label: string) => markup`<div><div class="line"></div><small>${label}</small></div>\n`;
  return markup`<section class="signature">
<h2>Release</h2>
<p>I have read this report and compared the hashes of the files above with the files released.</p>
<p class="quiet">Fingerprint of the deterministic part of report.json: <code class="hash">${fingerprint(report)}</code></p>
<div class="signatories">
${join([line("Name"), line("Function"), line("Signature"), line("Date")])}</div>
</section>
`;
}
