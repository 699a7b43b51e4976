import { formatEvidence, formatNumber, formatQuantity } from "../format.ts";
import type { ArenaPlan, Memory } from "../schema-sections.ts";
import { printable } from "../text.ts";
import type { Chart } from "./svg.ts";
import { COLOUR } from "./theme.ts";

const MOST_BUFFERS = 400;
const KIB = 1024;

/** Arena before and after: each buffer a rectangle, from its first to its last step and over its bytes; one scale for both. */
export function arenaChart(memory: Memory): Chart | null {
  if (memory.before.buffers.length === 0 && memory.after.buffers.length === 0) return null;
  const plans = [
    { name: "before", plan: memory.before },
    { name: "after", plan: memory.after },
  ];
  const titles = plans.map(({ name, plan }) => `${name}: ${formatQuantity(plan.bytes, "bytes")}`);
  const rows = plans.flatMap(({ name, plan }, index) => rectangles(plan, titles[index] ?? "", name === "before" ? COLOUR.before : COLOUR.after));
  const limit = memory.limit;
  const limits = limit === undefined ? [] : titles.map((panel) => ({ panel, limit: limit / KIB, text: `limit ${formatQuantity(limit, "bytes")}` }));
  const left = plans.reduce((sum, { plan }) => sum + Math.max(0, plan.buffers.length - MOST_BUFFERS), 0);
  const top = Math.max(memory.before.bytes, memory.after.bytes, limit !== undefined && limit < 4 * memory.before.bytes ? limit : 0);
  return {
    id: "chart-arena",
    title: "Arena over time, before and after",
    description: plans.map(({ name, plan }) => describe(name, plan)).join(" "),
    caption: `Each rectangle is a buffer: the steps that need it across, its bytes upwards (${formatEvidence(memory.evidence)}). Grey hatch at the top of each plan: persistent data.${limit === undefined ? "" : " Dashed: the limit."}${left > 0 ? ` ${left} small buffers are left out.` : ""}`,
    spec: {
      data: { values: [...rows, ...limits.filter((one) => one.limit * KIB <= top)] },
      facet: { field: "panel", type: "nominal", sort: titles, title: null, header: { labelAnchor: "start", labelPadding: 6 } },
      columns: 2,
      spacing: 30,
      resolve: { scale: { x: "independent" } },
      spec: {
        width: 352,
        height: 220,
        layer: [
          {
            mark: { type: "rect", stroke: "#ffffff", strokeWidth: 0.8 },
            encoding: {
              x: { field: "first", type: "quantitative", title: "step (operator)", axis: { tickMinStep: 1, grid: false, format: "d" }, scale: { nice: false } },
              x2: { field: "end" },
              y: { field: "low", type: "quantitative", title: "KiB", scale: { domain: [0, (top / KIB) * 1.06], nice: false } },
              y2: { field: "high" },
              color: { field: "colour", type: "nominal", scale: null },
            },
          },
          {
            transform: [{ filter: "isValid(datum.label)" }],
            mark: { type: "text", fontSize: 10.5 },
            encoding: {
              x: { field: "middle", type: "quantitative" },
              y: { field: "centre", type: "quantitative" },
              text: { field: "label", type: "nominal" },
              color: { field: "labelColour", type: "nominal", scale: null },
            },
          },
          {
            mark: { type: "rule", color: COLOUR.chosen, strokeDash: [5, 3], strokeWidth: 1.5 },
            encoding: { y: { field: "limit", type: "quantitative" } },
          },
          {
            mark: { type: "text", color: COLOUR.chosen, align: "right", x: 350, dy: -6, fontSize: 10.5, fontWeight: "bold" },
            encoding: { y: { field: "limit", type: "quantitative" }, text: { field: "text", type: "nominal" } },
          },
        ],
      },
    },
  };
}

interface Rectangle {
  readonly panel: string;
  readonly first: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
  readonly colour: string;
  readonly middle?: number;
  readonly centre?: number;
  readonly label?: string;
  readonly labelColour?: string;
}

function rectangles(plan: ArenaPlan, panel: string, colour: string): Rectangle[] {
  const largest = [...plan.buffers].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_BUFFERS);
  const buffers = largest.map((buffer) => {
    const [first, end] = [buffer.first, buffer.last + 1];
    const [low, high] = [buffer.offset / KIB, (buffer.offset + buffer.bytes) / KIB];
    const box = { panel, first, end, low, high, colour };
    const roomy = buffer.bytes > 0.09 * plan.bytes && end - first >= 0.11 * plan.steps;
    if (!roomy) return box;
    const labelColour = colour === COLOUR.after ? "#ffffff" : COLOUR.ink;
    return { ...box, middle: (first + end) / 2, centre: (low + high) / 2, label: formatNumber(buffer.bytes / KIB, 1), labelColour };
  });
  const persistent = plan.persistent ?? 0;
  if (persistent === 0) return buffers;
  const tail = { panel, first: 0, end: plan.steps, low: (plan.bytes - persistent) / KIB, high: plan.bytes / KIB, colour: COLOUR.faint };
  return [...buffers, tail];
}

function describe(name: string, plan: ArenaPlan): string {
  const largest = [...plan.buffers].sort((a, b) => b.bytes - a.bytes)[0];
  const most = largest === undefined ? "" : `; the largest, ${printable(largest.buffer, 60)}, has ${formatQuantity(largest.bytes, "bytes")}`;
  return `${name}: ${formatQuantity(plan.bytes, "bytes")} over ${plan.steps} steps in ${plan.buffers.length} buffers${most}.`;
}
