import type { Layer } from "../schema-sections.ts";
import { axisLabels } from "./labels.ts";
import type { Chart } from "./svg.ts";
import { CHART_WIDTH, COLOUR, FIT } from "./theme.ts";

const MOST_ROWS = 36;

/** Width (output channels) of each layer before and after, in network order; null when there is nothing to compare. */
export function widthsChart(layers: readonly Layer[]): Chart | null {
  const wide = layers.filter((layer) => layer.channelsBefore > 0);
  if (wide.length === 0) return null;
  const shown = mostChanged(wide);
  const labels = axisLabels(
    shown.map((layer) => layer.node),
    44,
  );
  const rows = shown.map((layer, index) => ({
    layer: labels[index] ?? "",
    before: layer.channelsBefore,
    after: layer.channelsAfter,
    text:
      layer.channelsAfter === layer.channelsBefore
        ? String(layer.channelsBefore)
        : `${layer.channelsBefore} \u2192 ${layer.channelsAfter}`,
  }));
  const widest = Math.max(...shown.map((layer) => Math.max(layer.channelsBefore, layer.channelsAfter)), 1);
  const changed = wide.filter((layer) => layer.channelsAfter !== layer.channelsBefore).length;
  const left = wide.length - shown.length;
  return {
    id: "chart-widths",
    title: "Channels of each layer before and after",
    description: `${changed} of ${wide.length} layers are narrower. ${rows.map((row) => `${row.layer}: ${row.text}`).join("; ")}`,
    caption: `Pale: original; dark: compressed. Layers in the order of the network.${left > 0 ? ` The ${shown.length} layers that changed most are shown; ${left} more are in the table of layers or in report.json.` : ""}`,
    spec: {
      data: { values: rows },
      width: CHART_WIDTH,
      autosize: FIT,
      height: rows.length * (rows.length > 20 ? 15 : 19),
      encoding: {
        y: {
          field: "layer",
          type: "nominal",
          sort: null,
          axis: { title: null, labelColor: COLOUR.ink, ticks: false, domain: false, labelLimit: 260 },
        },
      },
      layer: [
        {
          mark: { type: "bar", color: COLOUR.before, height: { band: 0.74 } },
          encoding: {
            x: {
              field: "before",
              type: "quantitative",
              title: "channels",
              scale: { domain: [0, widest * 1.14], nice: false },
            },
          },
        },
        {
          mark: { type: "bar", color: COLOUR.after, height: { band: 0.4 } },
          encoding: { x: { field: "after", type: "quantitative" } },
        },
        {
          mark: { type: "text", align: "left", dx: 5, fontSize: 10.5 },
          encoding: { x: { field: "before", type: "quantitative" }, text: { field: "text", type: "nominal" } },
        },
      ],
    },
  };
}

/** The layers that lost most channels, back in network order; all of them when they fit. */
function mostChanged(layers: readonly Layer[]): Layer[] {
  if (layers.length <= MOST_ROWS) return [...layers];
  const order = layers.map((layer, index) => ({ layer, index }));
  order.sort((a, b) => lost(b.layer) - lost(a.layer) || a.index - b.index);
  return order
    .slice(0, MOST_ROWS)
    .sort((a, b) => a.index - b.index)
    .map(({ layer }) => layer);
}

function lost(layer: Layer): number {
  return Math.abs(layer.channelsBefore - layer.channelsAfter);
}
