import { arenaChart } from "../charts/arena.ts";
import { latencyChart } from "../charts/latency.ts";
import { widthsChart } from "../charts/widths.ts";
import { formatChange, formatEvidence, formatInterval, formatNumber, formatQuantity, formatShare } from "../format.ts";
import type { Report } from "../schema.ts";
import type { Estimate } from "../schema-figures.ts";
import type { LatencyBreakdown, ModelRow } from "../schema-sections.ts";
import { chartFigure, figure, name, section, small, table, text } from "./elements.ts";
import { type Content, type Html, join, markup, NOTHING } from "./markup.ts";

const SLOWEST = 10;

/** What the run did to the model: the models side by side, then widths, time and memory before and after. */
export async function changeSection(report: Report): Promise<Html> {
  const charts = await Promise.all([
    chartFigure(widthsChart(report.layers)),
    chartFigure(report.latency === undefined ? null : latencyChart(report.latency)),
    chartFigure(report.memory === undefined ? null : arenaChart(report.memory)),
  ]);
  const [widths = NOTHING, latency = NOTHING, arena = NOTHING] = charts;
  const slowest = report.latency === undefined ? NOTHING : slowestNodes(report.latency);
  return section("What changed", [modelTable(report.models), widths, latency, slowest, arena]);
}

function modelTable(models: readonly ModelRow[]): Html {
  const [first] = models;
  if (first === undefined) return NOTHING;
  const columns = [
    text("Model"),
    figure("Accuracy"),
    figure("Parameters"),
    figure("MACs"),
    figure("File"),
    figure("Latency"),
    figure("Arena"),
    figure("Flash"),
  ];
  const rows = models.map((model): Content[] => [
    join([markup`<b>${model.role}</b>`, small(model.name)]),
    accuracyCell(model, first),
    withChange(formatNumber(model.parameters), first.parameters, model.parameters),
    withChange(formatNumber(model.macs), first.macs, model.macs),
    withChange(formatQuantity(model.bytes, "bytes"), first.bytes, model.bytes),
    estimateCell(model.latency, first.latency, "ms"),
    estimateCell(model.arena, first.arena, "bytes"),
    estimateCell(model.flash, first.flash, "bytes"),
  ]);
  return table(columns, rows);
}

function accuracyCell({ accuracy }: ModelRow, first: ModelRow): Html {
  if (accuracy === undefined) return NOTHING;
  const points = first.accuracy === undefined ? 0 : 100 * (accuracy.value - first.accuracy.value);
  const change = points === 0 ? NOTHING : small(`${points > 0 ? "+" : ""}${formatQuantity(points, "points")}`);
  const interval = accuracy.interval;
  const spread =
    interval === undefined
      ? NOTHING
      : small(`95\u00a0%: ${formatNumber(interval[0] * 100, 2)} to ${formatNumber(interval[1] * 100, 2)}`);
  return join([formatShare(accuracy.value), change, spread, small(`n = ${formatNumber(accuracy.n)}`)]);
}

function withChange(shown: string, before: number, after: number): Html {
  return before === after ? join([shown]) : join([shown, small(formatChange(before, after))]);
}

function estimateCell(estimate: Estimate | undefined, first: Estimate | undefined, unit: "ms" | "bytes"): Html {
  if (estimate === undefined) return NOTHING;
  const spread = estimate.interval === undefined ? NOTHING : small(formatInterval(estimate.interval, unit));
  const shown = withChange(formatQuantity(estimate.value, unit), first?.value ?? estimate.value, estimate.value);
  return join([shown, spread, small(formatEvidence(estimate.evidence))]);
}

/** The nodes that take most time in the artifact, with what they took before. */
function slowestNodes(latency: LatencyBreakdown): Html {
  const sums = new Map<string, { before: number; after: number; causes: Map<string, number> }>();
  for (const when of ["before", "after"] as const) {
    for (const part of latency[when]) {
      const sum = sums.get(part.node) ?? { before: 0, after: 0, causes: new Map<string, number>() };
      sum[when] += part.ms;
      if (when === "after") sum.causes.set(part.cause, (sum.causes.get(part.cause) ?? 0) + part.ms);
      sums.set(part.node, sum);
    }
  }
  const total = [...sums.values()].reduce((all, sum) => all + sum.after, 0);
  const ordered = [...sums].sort(([a, x], [b, y]) => y.after - x.after || (a < b ? -1 : 1)).slice(0, SLOWEST);
  const rows = ordered.map(([node, sum]) => {
    const [main = ["", 0]] = [...sum.causes].sort((a, b) => b[1] - a[1]);
    const change = formatChange(sum.before, sum.after);
    return [
      node,
      main[0],
      formatQuantity(sum.before, "ms"),
      formatQuantity(sum.after, "ms"),
      change,
      total === 0 ? "" : formatShare(sum.after / total, 1),
    ];
  });
  if (rows.length === 0) return NOTHING;
  const columns = [
    name("Slowest nodes of the artifact"),
    text("Main cause"),
    figure("Before"),
    figure("After"),
    figure("Change"),
    figure("Share"),
  ];
  return table(columns, rows);
}
