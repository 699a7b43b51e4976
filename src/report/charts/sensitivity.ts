import { formatNumber, formatShare } from "../format.ts";
import type { Group, Sensitivity } from "../schema-sections.ts";
import { axisLabels } from "./labels.ts";
import type { Chart } from "./svg.ts";
import { COLOUR } from "./theme.ts";

const MOST_CURVES = 12;
const COLUMNS = 4;

/**
 * One small chart for each group: the metric against the share of units kept, all on the same scales; a rule marks the share
 * that was chosen. The most sensitive groups come first; null when no group was measured.
 */
export function sensitivityChart(sensitivity: Sensitivity, groups: readonly Group[]): Chart | null {
  const curves = sensitivity.curves.filter((curve) => curve.points.length > 0);
  if (curves.length === 0) return null;
  const harm = (curve: (typeof curves)[number]) => harmOf(sensitivity, curve.points.map((point) => point.value));
  const ranked = [...curves].sort((a, b) => harm(b) - harm(a)).slice(0, MOST_CURVES);
  const labels = axisLabels(ranked.map((curve) => curve.group), 30);
  const inPercent = sensitivity.metric === "accuracy";
  const scale = inPercent ? 100 : 1;
  const chosen = new Map(groups.map((group) => [group.id, group.unitsBefore === 0 ? 1 : group.unitsAfter / group.unitsBefore]));
  const rows = ranked.flatMap((curve, index) =>
    [...curve.points]
      .sort((a, b) => a.kept - b.kept)
      .map((point) => ({ group: labels[index] ?? "", kept: point.kept * 100, value: point.value * scale })),
  );
  const marks = ranked.flatMap((curve, index) => {
    const kept = chosen.get(curve.group);
    return kept === undefined ? [] : [{ group: labels[index] ?? "", chosen: kept * 100, text: `${formatNumber(kept * 100)} %` }];
  });
  const left = curves.length - ranked.length;
  const baseline = inPercent ? formatShare(sensitivity.baseline) : formatNumber(sensitivity.baseline, 3);
  const lowest = Math.min(...rows.map((row) => row.kept));
  return {
    id: "chart-sensitivity",
    title: "Sensitivity of each group",
    description: `${sensitivity.metric} when only a share of one group's units is kept; ${baseline} with all kept. Worst value of each: ${ranked
      .map((curve, index) => `${labels[index] ?? ""} ${formatNumber(worst(sensitivity, curve.points.map((point) => point.value)) * scale, 2)}`)
      .join("; ")}`,
    caption: `${inPercent ? "Accuracy (%)" : "Loss"} on ${formatNumber(sensitivity.samples)} samples of ${sensitivity.split} when only that share of the group's units is kept, all else untouched; ${baseline} with nothing removed. Vertical rule: the share that was kept in the end.${left > 0 ? ` The ${ranked.length} most sensitive groups are shown; ${left} more are in report.json.` : ""}`,
    spec: {
      data: { values: [...rows, ...marks] },
      facet: { field: "group", type: "nominal", sort: labels, title: null, header: { labelAnchor: "start", labelPadding: 4, labelLimit: 190 } },
      columns: Math.min(COLUMNS, ranked.length),
      spacing: { row: 14, column: 18 },
      spec: {
        width: 168,
        height: 92,
        layer: [
          {
            mark: { type: "rule", color: COLOUR.chosen, strokeDash: [3, 2], strokeWidth: 1.5 },
            encoding: { x: { field: "chosen", type: "quantitative" } },
          },
          {
            mark: { type: "text", color: COLOUR.chosen, align: "right", dx: -4, y: 84, fontSize: 10.5, fontWeight: "bold" },
            encoding: { x: { field: "chosen", type: "quantitative" }, text: { field: "text", type: "nominal" } },
          },
          {
            transform: [{ filter: "isValid(datum.kept)" }],
            mark: { type: "line", color: COLOUR.after, strokeWidth: 1.75, point: { color: COLOUR.after, size: 16 } },
            encoding: {
              x: { field: "kept", type: "quantitative", title: "units kept (%)", scale: { domain: [Math.min(lowest, 50), 100], nice: true }, axis: { tickCount: 4 } },
              y: { field: "value", type: "quantitative", title: null, scale: { zero: false }, axis: { tickCount: 4 } },
            },
          },
        ],
      },
    },
  };
}

/** How much the metric worsens at its worst point, positive: loss rises, accuracy falls. */
function harmOf(sensitivity: Sensitivity, values: readonly number[]): number {
  const change = worst(sensitivity, values) - sensitivity.baseline;
  return sensitivity.metric === "loss" ? change : -change;
}

function worst(sensitivity: Sensitivity, values: readonly number[]): number {
  return sensitivity.metric === "loss" ? Math.max(...values) : Math.min(...values);
}
