import { formatNumber, formatShare } from "../format.ts";
import type { Group, Sensitivity } from "../schema-sections.ts";
import { axisLabels } from "./labels.ts";
import type { Chart, Layer } from "./svg.ts";
import { COLOUR } from "./theme.ts";

const MOST_CURVES = 12;
/** Width that all panels of a row share, without the axis labels at the left. */
const ROW_WIDTH = 800;
const GAP = 20;

interface Curve {
  readonly group: string;
  readonly label: string;
  readonly points: Sensitivity["curves"][number]["points"];
  /** The metric at its worst point. */
  readonly worst: number;
}

/**
 * One small chart for each group: the metric against the share of units kept, all on the same scales; a rule marks the share
 * that was chosen. The most sensitive groups come first; null when no group was measured.
 */
export function sensitivityChart(sensitivity: Sensitivity, groups: readonly Group[]): Chart | null {
  const measured = sensitivity.curves.filter((curve) => curve.points.length > 0).length;
  if (measured === 0) return null;
  const curves = mostSensitive(sensitivity);
  const percent = sensitivity.metric === "accuracy";
  const scale = percent ? 100 : 1;
  const baseline = percent ? formatShare(sensitivity.baseline) : formatNumber(sensitivity.baseline, 3);
  const worsts = curves.map((curve) => `${curve.label} ${formatNumber(curve.worst * scale, 2)}`).join("; ");
  const left = measured - curves.length;
  const points = curves.flatMap(({ label, points }) =>
    points.map((point) => ({ group: label, kept: point.kept * 100, value: point.value * scale })),
  );
  const rules = chosenShares(curves, groups);
  return {
    id: "chart-sensitivity",
    title: "Sensitivity of each group",
    description: `${sensitivity.metric} when only a share of one group's units is kept; ${baseline} with all kept. Worst of each: ${worsts}`,
    caption: `${percent ? "Accuracy (%)" : "Loss"} on ${formatNumber(sensitivity.samples)} samples of ${sensitivity.split} when only that share of the group's units is kept, all else untouched; ${baseline} with nothing removed. Dashed: the share that was kept in the end.${left > 0 ? ` The ${curves.length} most sensitive groups are shown; ${left} more are in report.json.` : ""}`,
    spec: {
      data: { values: [...points, ...rules] },
      facet: {
        field: "group",
        type: "nominal",
        sort: curves.map((curve) => curve.label),
        title: null,
        header: { labelAnchor: "start", labelPadding: 4, labelLimit: 190 },
      },
      columns: columnsFor(curves.length),
      spacing: { row: 14, column: GAP },
      spec: panel(
        curves.length,
        Math.min(50, ...points.map((point) => point.kept), ...rules.map((rule) => rule.chosen)),
        !percent,
      ),
    },
  };
}

function panel(count: number, lowest: number, rising: boolean): { width: number; height: number; layer: Layer[] } {
  const width = Math.floor(ROW_WIDTH / columnsFor(count)) - GAP;
  const scale = { domain: [Math.max(0, 5 * Math.floor(lowest / 5)), 100], nice: false, zero: false };
  const x = { type: "quantitative", title: "units kept (%)", scale, axis: { tickCount: 4 } } as const;
  const dx = { expr: "datum.chosen < 75 ? 4 : -4" };
  const align = { expr: "datum.chosen < 75 ? 'left' : 'right'" };
  return {
    width: Math.min(width, 260),
    height: 92,
    layer: [
      {
        transform: [{ filter: "isValid(datum.chosen)" }],
        mark: { type: "rule", color: COLOUR.chosen, strokeDash: [3, 2], strokeWidth: 1.5 },
        encoding: { x: { ...x, field: "chosen" } },
      },
      {
        transform: [{ filter: "isValid(datum.chosen)" }],
        // where the curve is not: a loss falls to the right, an accuracy rises
        mark: { type: "text", color: COLOUR.chosen, align, dx, y: rising ? 8 : 84, fontSize: 10.5, fontWeight: "bold" },
        encoding: { x: { ...x, field: "chosen" }, text: { field: "text", type: "nominal" } },
      },
      {
        transform: [{ filter: "isValid(datum.kept)" }],
        mark: { type: "line", color: COLOUR.after, strokeWidth: 1.75, point: { color: COLOUR.after, size: 16 } },
        encoding: {
          x: { ...x, field: "kept" },
          y: { field: "value", type: "quantitative", title: null, scale: { zero: false }, axis: { tickCount: 4 } },
        },
      },
    ],
  };
}

/** The curves that get worst, worst first; loss worsens upwards, accuracy downwards. */
function mostSensitive(sensitivity: Sensitivity): Curve[] {
  const rising = sensitivity.metric === "loss";
  const curves = sensitivity.curves.flatMap((curve) => {
    if (curve.points.length === 0) return [];
    const values = curve.points.map((point) => point.value);
    return [{ ...curve, worst: rising ? Math.max(...values) : Math.min(...values) }];
  });
  curves.sort((a, b) => (rising ? b.worst - a.worst : a.worst - b.worst) || (a.group < b.group ? -1 : 1));
  const shown = curves.slice(0, MOST_CURVES);
  const labels = axisLabels(
    shown.map((curve) => curve.group),
    30,
  );
  return shown.map((curve, at) => ({ ...curve, label: labels[at] ?? "" }));
}

/** Where the rule stands in each panel: the share of units that the shipped model keeps. */
function chosenShares(curves: readonly Curve[], groups: readonly Group[]) {
  const byId = new Map(groups.map((group) => [group.id, group]));
  return curves.flatMap((curve) => {
    const group = byId.get(curve.group);
    if (group === undefined || group.unitsBefore === 0) return [];
    const chosen = (100 * group.unitsAfter) / group.unitsBefore;
    return [{ group: curve.label, chosen, text: `${formatNumber(chosen)} %` }];
  });
}

/** Three or four panels a row, whichever leaves fewer gaps in the last row. */
function columnsFor(count: number): number {
  if (count <= 4) return count;
  return (3 - (count % 3)) % 3 < (4 - (count % 4)) % 4 ? 3 : 4;
}
