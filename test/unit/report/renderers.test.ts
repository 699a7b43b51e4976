import { describe, expect, test } from "vitest";
import {
  buildReport,
  type Report,
  renderHtml,
  renderJUnit,
  renderMarkdown,
  renderSummary,
} from "../../../src/report/index.ts";
import { sampleFacts, sampleReport, TARGETS } from "./samples.ts";
import { xmlTree } from "./xml.ts";

/** The mcu sample with RAM too small, a proof that disagrees and one that could not run. */
function failingReport(): Report {
  const facts = sampleFacts("mcu");
  const requirements = facts.requirements.map((row) => (row.id === "ram" ? { ...row, limit: 24 * 1024 } : row));
  const proofs = facts.proofs.map((proof, index) => ({
    ...proof,
    difference: index === 0 ? 0.5 : index === 1 ? null : proof.difference,
  }));
  return buildReport({ ...facts, requirements, proofs });
}

const golden = (name: string) => `../../golden/report/${name}`;

/** The page without its style sheet and drawings: what can change by intent, small enough to read in a diff. */
function readable(html: string): string {
  const body = html.replace(/<style>[\s\S]*?<\/style>/, "<style/>").replace(/<svg[\s\S]*?<\/svg>/g, "<svg/>");
  return body.replace(/<h2>Details<\/h2>[\s\S]*?<\/section>/, "<h2>Details</h2> ... </section>");
}

describe("golden renderings", () => {
  test.each(TARGETS)("%s", async (target) => {
    const report = sampleReport(target);
    await expect(renderMarkdown(report)).toMatchFileSnapshot(golden(`${target}.md`));
    await expect(renderSummary(report)).toMatchFileSnapshot(golden(`${target}.summary.txt`));
  });

  test("mcu: JUnit and page", async () => {
    await expect(renderJUnit(sampleReport("mcu"))).toMatchFileSnapshot(golden("mcu.junit.xml"));
    await expect(readable(await renderHtml(sampleReport("mcu")))).toMatchFileSnapshot(golden("mcu.html.txt"));
  });

  test("a run that fails", async () => {
    await expect(renderJUnit(failingReport())).toMatchFileSnapshot(golden("failing.junit.xml"));
    await expect(renderMarkdown(failingReport())).toMatchFileSnapshot(golden("failing.md"));
    await expect(renderSummary(failingReport())).toMatchFileSnapshot(golden("failing.summary.txt"));
  });
});

describe("JUnit", () => {
  test.each(TARGETS)("%s: one case a requirement, a proof and an eligible layer; counts agree", (target) => {
    const report = sampleReport(target);
    const root = xmlTree(renderJUnit(report));
    const cases = root.children.flatMap((suite) => suite.children.filter((child) => child.name === "testcase"));
    const eligible = report.sparsity?.layers.filter((layer) => layer.eligible).length ?? 0;
    expect(cases).toHaveLength(report.requirements.length + report.proofs.length + eligible);
    expect(root).toMatchObject({ name: "testsuites", attributes: { tests: String(cases.length), failures: "0" } });
    for (const suite of root.children) {
      const own = suite.children.filter((child) => child.name === "testcase");
      const skipped = own.filter((one) => one.children[0]?.name === "skipped").length;
      expect(suite.attributes).toMatchObject({ tests: String(own.length), skipped: String(skipped), errors: "0" });
    }
  });

  test("failures are counted and say both values", () => {
    const root = xmlTree(renderJUnit(failingReport()));
    const failures = root.children.flatMap((suite) =>
      suite.children.flatMap((one) => one.children.filter((child) => child.name === "failure")),
    );
    expect(root.attributes.failures).toBe("3");
    expect(failures.map((failure) => failure.attributes.message?.replaceAll("\u00a0", " "))).toEqual([
      "Peak RAM (tensor arena) 27.2 KiB is above the limit of 24.0 KiB",
      "Largest difference 0.5 is above the tolerance 1.0e\u22124",
      "The check could not run",
    ]);
  });

  test("a report in which nothing applied fails in CI too", () => {
    const facts = sampleFacts("mcu");
    const report = buildReport({ ...facts, requirements: [], proofs: [] });
    expect(report.verdict.exitCode).toBe(2);
    expect(xmlTree(renderJUnit(report)).attributes.failures).toBe("1");
  });
});

describe("terminal summary", () => {
  test.each(TARGETS)("%s: no line is longer than 100 columns", (target) => {
    for (const line of renderSummary(sampleReport(target)).split("\n"))
      expect([...line].length).toBeLessThanOrEqual(100);
  });
});

describe("HTML", () => {
  test.each(TARGETS)(
    "%s: the same bytes each time, sections in order, a chart for each section that has data",
    async (target) => {
      const report = sampleReport(target);
      const html = await renderHtml(report);
      expect(await renderHtml(report)).toBe(html);
      const headings = [...html.matchAll(/<h2>([^<]*)<\/h2>/g)].map((match) => match[1]);
      const notes = report.notes.length + report.diagnostics.length > 0 ? ["What the reader must know"] : [];
      expect(headings).toEqual([
        "Requirements",
        ...notes,
        "What changed",
        "Proof",
        "How the widths were chosen",
        "Details",
        "Artifacts",
        "Release",
      ]);
      const charts = [...html.matchAll(/aria-labelledby="(\S+)-title/g)].map((match) => match[1]);
      const arena = report.memory === undefined ? [] : ["chart-arena"];
      expect(charts).toEqual(["chart-widths", "chart-latency", ...arena, "chart-sensitivity", "chart-pareto"]);
    },
  );

  test("the bare minimum of a report renders too", async () => {
    const { sensitivity, search, latency, memory, sparsity, quantization, shipped, ...facts } = sampleFacts("mcu");
    const empty = { layers: [], groups: [], proofs: [], artifacts: [], models: [], diagnostics: [], notes: [] };
    const html = await renderHtml(buildReport({ ...facts, ...empty }));
    expect(html).toContain("No proof was run.");
    expect(html).toContain("No artifact was written.");
    expect(html).not.toContain("<svg");
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });
});
