import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  buildReport,
  deterministicPart,
  fingerprint,
  parseReport,
  renderJson,
  reportJsonSchema,
} from "../../../src/report/index.ts";
import { sampleFacts, sampleReport, TARGETS } from "./samples.ts";

describe("report.json", () => {
  test.each(TARGETS)("%s: what was written is read back, and written again to the same bytes", (target) => {
    const text = renderJson(sampleReport(target));
    expect(renderJson(parseReport(JSON.parse(text)))).toBe(text);
  });

  test("keys come in the order of the schema, whatever order they came in", () => {
    const facts = sampleFacts("cpu");
    const reversed = Object.fromEntries(Object.entries(facts).reverse()) as typeof facts;
    const requirements = facts.requirements.map(
      (row) => Object.fromEntries(Object.entries(row).reverse()) as typeof row,
    );
    expect(renderJson(buildReport({ ...reversed, requirements }))).toBe(renderJson(buildReport(facts)));
    expect(Object.keys(JSON.parse(renderJson(buildReport(facts)))).slice(0, 4)).toEqual([
      "reportVersion",
      "verdict",
      "product",
      "target",
    ]);
  });

  test.each(TARGETS)("%s: the committed JSON schema accepts it", (target) => {
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL("../../../src/report/schema.json", import.meta.url), "utf8")),
    );
    expect(schema.safeParse(JSON.parse(renderJson(sampleReport(target)))).success).toBe(true);
    const { verdict: _verdict, ...without } = sampleReport(target);
    expect(schema.safeParse(without).success).toBe(false);
  });

  test("the committed JSON schema is that of the code (else: npx tsx scripts/generate-report-schema.ts)", () => {
    expect(readFileSync(new URL("../../../src/report/schema.json", import.meta.url), "utf8")).toBe(reportJsonSchema());
  });
});

describe("refusals", () => {
  test("an unknown key, a wrong type and a wrong hash are named by their path", () => {
    const facts = sampleFacts("mcu");
    expect(() => buildReport({ ...facts, extra: 1 } as typeof facts)).toThrow(/extra/);
    expect(() => buildReport({ ...facts, model: { ...facts.model, sha256: "abc" } })).toThrow(/model\.sha256/);
    expect(() => buildReport({ ...facts, models: [{ ...facts.models[0]!, macs: -1 }] })).toThrow(/models\.0\.macs/);
  });

  test("a verdict that its own figures do not give is refused", () => {
    const facts = sampleFacts("mcu");
    const failing = buildReport({
      ...facts,
      requirements: facts.requirements.map((row) => (row.id === "ram" ? { ...row, limit: 1024 } : row)),
    });
    expect(failing.verdict.exitCode).toBe(2);
    const edited = JSON.parse(
      renderJson(failing).replaceAll('"fail"', '"pass"').replace('"exitCode": 2', '"exitCode": 0'),
    );
    expect(() => parseReport(edited)).toThrow(/says pass; its own figures give fail/);
    const moved = JSON.parse(renderJson(sampleReport("cpu")));
    moved.requirements[0].margin.absolute += 1;
    expect(() => parseReport(moved)).toThrow(/another margin/);
  });
});

describe("deterministic part", () => {
  test("clock readings, the machine and the stages do not move it; everything else does", () => {
    const facts = sampleFacts("cpu");
    const first = fingerprint(buildReport(facts));
    const slower = structuredClone(facts);
    for (const stage of slower.run.stages) stage.seconds *= 1.7;
    slower.run.environment.cpu = "another";
    for (const row of slower.requirements) {
      if (row.evidence.timed === true) Object.assign(row, { value: 0.5, interval: [0.45, 0.55] });
    }
    for (const model of slower.models) if (model.latency?.evidence.timed === true) model.latency.value *= 1.3;
    for (const part of slower.latency?.after ?? []) part.ms *= 1.3;
    for (const layer of slower.layers) layer.latencyShareAfter = 0.01;
    expect(fingerprint(buildReport(slower))).toBe(first);
    expect(fingerprint(buildReport({ ...facts, seed: 2 }))).not.toBe(first);
    const other = structuredClone(facts);
    other.requirements[0]!.value = 0.65;
    expect(fingerprint(buildReport(other))).not.toBe(first);
  });

  test("predicted latencies stay in it", () => {
    const part = JSON.stringify(deterministicPart(sampleReport("mcu")));
    expect(part).toContain('"latency"');
    expect(JSON.stringify(deterministicPart(sampleReport("cpu")))).not.toContain('"latencyShareAfter"');
  });
});
