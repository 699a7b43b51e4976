import { formatNumber, formatQuantity } from "../format.ts";
import type { Search } from "../schema-sections.ts";
import { printable } from "../text.ts";
import type { Chart } from "./svg.ts";
import { CHART_WIDTH, COLOUR, FIT } from "./theme.ts";

const MOST_POINTS = 1500;

type Point = Search["points"][number];

/** Search points: cost against predicted loss of accuracy; the frontier as a line, the chosen point marked and labelled. */
export function paretoChart(search: Search): Chart | null {
  if (search.points.length === 0) return null;
  const frontier = paretoFrontier(search.points);
  const points = [...search.points].sort((a, b) => Number(b.chosen) - Number(a.chosen)).slice(0, MOST_POINTS);
  const { factor, label } = axisUnit(search, Math.max(...search.points.map((point) => point.cost)));
  const row = (point: Point) => ({ cost: point.cost * factor, loss: point.accuracyLoss });
  const chosen = search.points.filter((point) => point.chosen);
  const title = printable(search.cost.title, 60);
  const text = (point: Point) =>
    `chosen: ${formatQuantity(point.cost, search.cost.unit)}, ${formatNumber(point.accuracyLoss, 2)} points`;
  const left = search.points.length - points.length;
  const costs = search.points.map((point) => point.cost);
  const middle = (Math.min(...costs) + Math.max(...costs)) / 2;
  const labels = chosen.map((point) => ({ ...row(point), text: text(point), right: point.cost > middle }));
  const axes = encoding(`${title}${label}`);
  return {
    id: "chart-pareto",
    title: "Candidates of the search",
    description: `${search.evaluated} candidates were evaluated, ${frontier.length} of the ${search.points.length} kept lie on the frontier. ${chosen.map(text).join("; ")}`,
    caption: `Each dot is a candidate: ${title} against the accuracy it is predicted to lose before fine-tuning. Line: no candidate is better in both. Diamond: the one chosen. ${formatNumber(search.evaluated)} candidates were evaluated${left > 0 ? `, ${formatNumber(left)} more are in report.json` : ""}.`,
    spec: {
      width: CHART_WIDTH,
      autosize: FIT,
      height: 230,
      layer: [
        {
          data: { values: points.map(row) },
          mark: { type: "point", shape: "circle", filled: true, size: 22, color: COLOUR.before, opacity: 1 },
          encoding: axes,
        },
        {
          data: { values: frontier.map(row) },
          mark: {
            type: "line",
            interpolate: "step-after",
            color: COLOUR.after,
            strokeWidth: 1.5,
            point: { color: COLOUR.after, size: 24 },
          },
          encoding: axes,
        },
        {
          data: { values: chosen.map(row) },
          mark: { type: "point", shape: "diamond", filled: true, size: 150, color: COLOUR.chosen, opacity: 1 },
          encoding: axes,
        },
        ...[{ stroke: "#ffffff", strokeWidth: 4 }, {}].map((halo) => ({
          data: { values: labels },
          mark: { type: "text", dy: -14, fontWeight: "bold", color: COLOUR.chosen, align: ALIGN, ...halo } as const,
          encoding: { ...axes, text: { field: "text", type: "nominal" } } as const,
        })),
      ],
    },
  };
}

/** Text reaches from its point towards the middle of the chart. */
const ALIGN = { expr: "datum.right ? 'right' : 'left'" };

/** Candidates that no other beats in both cost and loss, cheapest first. */
export function paretoFrontier(points: readonly Point[]): Point[] {
  const ordered = [...points].sort((a, b) => a.cost - b.cost || a.accuracyLoss - b.accuracyLoss);
  let best = Number.POSITIVE_INFINITY;
  return ordered.filter((point) => {
    if (point.accuracyLoss >= best) return false;
    best = point.accuracyLoss;
    return true;
  });
}

function encoding(title: string) {
  return {
    x: { field: "cost", type: "quantitative", title, scale: { zero: false } },
    y: { field: "loss", type: "quantitative", title: "predicted loss (points)", scale: { zero: false } },
  } as const;
}

function axisUnit(search: Search, largest: number): { factor: number; label: string } {
  const { unit } = search.cost;
  if (unit === "ms") return { factor: 1, label: " (ms)" };
  if (unit === "bytes") return { factor: 1 / 1024, label: " (KiB)" };
  const millions = largest >= 1e6;
  return { factor: millions ? 1e-6 : 1, label: millions ? " (million)" : "" };
}
