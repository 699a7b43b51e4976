import { formatEvidence, formatQuantity } from "../format.ts";
import type { LatencyBreakdown } from "../schema-sections.ts";
import { axisLabels } from "./labels.ts";
import type { Chart } from "./svg.ts";
import { CHART_WIDTH, COLOUR, FIT } from "./theme.ts";

const MOST_CAUSES = 10;

/** Time by cause, before and after, the largest cause first; null when there is nothing to show. */
export function latencyChart(latency: LatencyBreakdown): Chart | null {
  const causes = timeByCause(latency);
  if (causes.length === 0) return null;
  const shown = causes.slice(0, MOST_CAUSES);
  const others = causes.slice(MOST_CAUSES);
  if (others.length > 0) {
    const add = (pick: (cause: CauseTime) => number) => others.reduce((sum, cause) => sum + pick(cause), 0);
    shown.push({
      cause: `${others.length} other causes`,
      before: add((one) => one.before),
      after: add((one) => one.after),
    });
  }
  const labels = axisLabels(
    shown.map((one) => one.cause),
    40,
  );
  const longest = Math.max(...shown.map((one) => Math.max(one.before, one.after)));
  const rows = shown.flatMap((one, index) =>
    (["before", "after"] as const).map((when) => ({
      cause: labels[index] ?? "",
      when,
      ms: one[when],
      text: `${when} ${one[when] === 0 ? "none" : formatQuantity(one[when], "ms")}`,
    })),
  );
  return {
    id: "chart-latency",
    title: "Where the time goes, before and after",
    description: shown
      .map(
        (one, index) =>
          `${labels[index] ?? ""}: ${formatQuantity(one.before, "ms")} before, ${formatQuantity(one.after, "ms")} after`,
      )
      .join("; "),
    caption: `Milliseconds of one inference by cause; ${formatEvidence(latency.evidence)}. Pale: original; dark: artifact.`,
    spec: {
      data: { values: rows },
      width: CHART_WIDTH,
      autosize: FIT,
      height: shown.length * 43,
      encoding: {
        y: {
          field: "cause",
          type: "nominal",
          sort: null,
          scale: { paddingInner: 0.25 },
          axis: { title: null, labelColor: COLOUR.ink, ticks: false, domain: false },
        },
        yOffset: { field: "when", type: "nominal", sort: ["before", "after"] },
        x: {
          field: "ms",
          type: "quantitative",
          title: "ms",
          scale: { domain: [0, longest > 0 ? longest * 1.18 : 1], nice: false },
        },
      },
      layer: [
        {
          mark: { type: "bar" },
          encoding: {
            color: {
              field: "when",
              type: "nominal",
              legend: null,
              scale: { domain: ["before", "after"], range: [COLOUR.before, COLOUR.after] },
            },
          },
        },
        {
          mark: { type: "text", align: "left", dx: 5, fontSize: 10.5 },
          encoding: { text: { field: "text", type: "nominal" } },
        },
      ],
    },
  };
}

interface CauseTime {
  readonly cause: string;
  readonly before: number;
  readonly after: number;
}

/** Sum of milliseconds of each cause, the one that weighs most (before or after) first. */
export function timeByCause(latency: LatencyBreakdown): CauseTime[] {
  const sums = new Map<string, { before: number; after: number }>();
  for (const when of ["before", "after"] as const) {
    for (const part of latency[when]) {
      const sum = sums.get(part.cause) ?? { before: 0, after: 0 };
      sum[when] += part.ms;
      sums.set(part.cause, sum);
    }
  }
  const causes = [...sums].map(([cause, sum]) => ({ cause, ...sum }));
  return causes.sort(
    (a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after) || (a.cause < b.cause ? -1 : 1),
  );
}
