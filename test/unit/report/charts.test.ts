import { afterEach, describe, expect, test, vi } from "vitest";
import { arenaChart } from "../../../src/report/charts/arena.ts";
import { axisLabels } from "../../../src/report/charts/labels.ts";
import { latencyChart, timeByCause } from "../../../src/report/charts/latency.ts";
import { paretoChart, paretoFrontier } from "../../../src/report/charts/pareto.ts";
import { sensitivityChart } from "../../../src/report/charts/sensitivity.ts";
import { type Chart, drawChart } from "../../../src/report/charts/svg.ts";
import { widthsChart } from "../../../src/report/charts/widths.ts";
import type { Layer, Memory, Sensitivity } from "../../../src/report/index.ts";
import { sampleFacts } from "./samples.ts";

afterEach(() => vi.restoreAllMocks());

/** Texts of a drawn chart, in drawing order; a chart must draw without a warning of Vega. */
async function textsOf(chart: Chart | null): Promise<string[]> {
  const warn = vi.spyOn(console, "warn");
  const svg = await drawChart(chart!);
  expect(warn).not.toHaveBeenCalled();
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1] ?? "");
}

const layer = (index: number, before: number, after: number): Layer => ({
  node: `conv${index}`,
  op: "Conv",
  channelsBefore: before,
  channelsAfter: after,
  macsBefore: 1,
  macsAfter: 1,
  bytesBefore: 1,
  bytesAfter: 1,
});

describe("widths", () => {
  test("names every layer with both widths, in network order", async () => {
    const texts = await textsOf(widthsChart([layer(1, 64, 40), layer(2, 16, 16)]));
    expect(texts).toEqual(expect.arrayContaining(["conv1", "conv2", "64 \u2192 40", "16"]));
  });

  test("a deep network shows the layers that changed most and says how many it leaves out", async () => {
    const layers = Array.from({ length: 100 }, (_, index) => layer(index, 64, index % 5 === 0 ? 8 : 64));
    const chart = widthsChart(layers);
    expect(chart?.caption).toContain("64 more");
    const texts = await textsOf(chart);
    expect(texts).toContain("conv95");
    expect(texts.filter((text) => text.startsWith("conv"))).toHaveLength(36);
  });

  test("no layer with a width, no chart", () => expect(widthsChart([layer(1, 0, 0)])).toBeNull());
});

describe("sensitivity", () => {
  const curve = (group: string, worst: number) => ({
    group,
    points: [
      { kept: 1, value: 0.9 },
      { kept: 0.5, value: worst },
    ],
  });
  const sensitivity: Sensitivity = { metric: "accuracy", baseline: 0.9, split: "held out", samples: 100, curves: [] };

  test("the twelve most sensitive groups, the worst first; the rest is counted", async () => {
    const curves = Array.from({ length: 15 }, (_, index) => curve(`group${index}`, 0.2 + index / 100));
    const chart = sensitivityChart({ ...sensitivity, curves: curves.reverse() }, []);
    expect(chart?.caption).toContain("3 more");
    const names = (await textsOf(chart)).filter((text) => text.startsWith("group"));
    expect(names).toEqual(Array.from({ length: 12 }, (_, index) => `group${index}`));
  });

  test("for a loss the highest is the worst", async () => {
    const curves = [curve("calm", 1), curve("sharp", 3)];
    const names = (await textsOf(sensitivityChart({ ...sensitivity, metric: "loss", curves }, []))).filter((text) =>
      /calm|sharp/.test(text),
    );
    expect(names).toEqual(["sharp", "calm"]);
  });

  test("the share that was kept is marked", async () => {
    const group = { id: "g", members: [], unitsBefore: 64, unitsAfter: 40, criterion: "L1" };
    expect(await textsOf(sensitivityChart({ ...sensitivity, curves: [curve("g", 0.5)] }, [group]))).toContain("63 %");
  });

  test("nothing measured, no chart", () => expect(sensitivityChart(sensitivity, [])).toBeNull());
});

describe("latency", () => {
  const evidence = { kind: "measured", how: "h", source: "s" } as const;
  const before = [
    { node: "a", cause: "compute", ms: 3 },
    { node: "b", cause: "compute", ms: 1 },
    { node: "a", cause: "memory", ms: 5 },
  ];
  const after = [{ node: "a", cause: "copy", ms: 0.5 }];

  test("sums each cause over the nodes, the heaviest first", () => {
    expect(timeByCause({ evidence, before, after })).toEqual([
      { cause: "memory", before: 5, after: 0 },
      { cause: "compute", before: 4, after: 0 },
      { cause: "copy", before: 0, after: 0.5 },
    ]);
  });

  test("every bar says its figure", async () => {
    const texts = (await textsOf(latencyChart({ evidence, before, after }))).map((text) =>
      text.replaceAll("\u00a0", " "),
    );
    expect(texts).toEqual(expect.arrayContaining(["before 5.00 ms", "after none", "after 0.500 ms"]));
  });

  test("more than ten causes: the small ones are summed", async () => {
    const many = Array.from({ length: 14 }, (_, index) => ({ node: "a", cause: `cause${index}`, ms: 20 - index }));
    expect(await textsOf(latencyChart({ evidence, before: many, after: many }))).toContain("4 other causes");
  });

  test("times of zero do not break the scale", async () => {
    const zero = [{ node: "a", cause: "c", ms: 0 }];
    expect((await drawChart(latencyChart({ evidence, before: zero, after: [] })!)).includes("NaN")).toBe(false);
  });
});

describe("arena", () => {
  const memory = sampleFacts("mcu").memory!;

  test("both plans with their size, and the limit when it is near", async () => {
    const texts = (await textsOf(arenaChart(memory))).map((text) => text.replaceAll("\u00a0", " "));
    expect(texts).toEqual(expect.arrayContaining(["before: 31.8 KiB", "after: 27.2 KiB", "limit 28.0 KiB"]));
  });

  test("a limit far away does not squeeze the plans; the caption names it", async () => {
    const chart = arenaChart({ ...memory, limit: 640 * 1024 });
    expect(chart?.caption.replaceAll("\u00a0", " ")).toContain("limit 640.0 KiB is beyond the scale");
    expect((await textsOf(chart)).join(" ")).not.toContain("limit");
  });

  test("no buffer, no chart", () => {
    const none: Memory = {
      ...memory,
      before: { ...memory.before, buffers: [] },
      after: { ...memory.after, buffers: [] },
    };
    expect(arenaChart(none)).toBeNull();
  });
});

describe("Pareto", () => {
  const point = (cost: number, accuracyLoss: number, chosen = false) => ({ cost, accuracyLoss, chosen });

  test("the frontier holds those that none beats in both", () => {
    const points = [point(3, 1), point(1, 5), point(2, 2), point(2, 3), point(4, 1), point(5, 0.5)];
    expect(paretoFrontier(points)).toEqual([point(1, 5), point(2, 2), point(3, 1), point(5, 0.5)]);
  });

  test("the chosen one is labelled with cost and loss", async () => {
    const search = {
      cost: { title: "latency", unit: "ms" as const },
      evaluated: 9,
      points: [point(1, 5), point(2, 2, true)],
    };
    const texts = (await textsOf(paretoChart(search))).map((text) => text.replaceAll("\u00a0", " "));
    expect(texts).toEqual(expect.arrayContaining(["chosen: 2.00 ms, 2.00 points", "latency (ms)"]));
  });
});

test("equal or hostile names stay apart and short on an axis", () => {
  expect(axisLabels(["a", "a", "a"], 10)).toEqual(["a", "a (2)", "a (3)"]);
  const long = axisLabels([`${"x".repeat(10_000)}1`, `${"x".repeat(10_000)}2`], 40);
  expect(new Set(long).size).toBe(2);
  for (const label of long) expect(label.length).toBeLessThan(70);
});
