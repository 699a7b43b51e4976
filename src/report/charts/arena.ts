import { formatEvidence, formatNumber, formatQuantity } from "../format.ts";
import type { ArenaPlan, Memory } from "../schema-sections.ts";
import { printable } from "../text.ts";
import type { Chart, Layer } from "./svg.ts";
import { COLOUR } from "./theme.ts";

const MOST_BUFFERS = 400;
const KIB = 1024;
const PERSISTENT = "#f1f2f4";

/** Arena before and after: each buffer a rectangle, from its first to its last step and over its bytes; one scale for both. */
export function arenaChart(memory: Memory): Chart | null {
  const { before, after, limit } = memory;
  if (before.buffers.length === 0 && after.buffers.length === 0) return null;
  const plans = [
    { name: "before", plan: before, colour: COLOUR.before, ink: COLOUR.ink },
    { name: "after", plan: after, colour: COLOUR.after, ink: "#ffffff" },
  ];
  const panels = plans.map(({ name, plan }) => `${name}: ${formatQuantity(plan.bytes, "bytes")}`);
  const rows = plans.flatMap(({ plan, colour, ink }, at) => rectangles(plan, panels[at] ?? "", colour, ink));
  const left = plans.reduce((sum, { plan }) => sum + Math.max(0, plan.buffers.length - MOST_BUFFERS), 0);
  const largest = Math.max(before.bytes, after.bytes, 1);
  const limitInView = limit !== undefined && limit <= 2 * largest;
  const text = limit === undefined ? "" : `limit ${formatQuantity(limit, "bytes")}`;
  const limits = limitInView ? panels.map((panel) => ({ panel, limit: limit / KIB, text })) : [];
  const limitNote =
    limit === undefined ? "" : limitInView ? " Dashed: the limit." : ` The ${text} is beyond the scale.`;
  return {
    id: "chart-arena",
    title: "Arena over time, before and after",
    description: plans.map(({ name, plan }) => describe(name, plan)).join(" "),
    caption: `Each rectangle is a buffer: the steps that need it across, its bytes upwards, figures in KiB (${formatEvidence(memory.evidence)}). White at the top: persistent data, that lives for the whole run.${limitNote}${left > 0 ? ` ${left} small buffers are left out.` : ""}`,
    spec: {
      data: { values: [...rows, ...limits] },
      facet: {
        field: "panel",
        type: "nominal",
        sort: panels,
        title: null,
        header: { labelAnchor: "start", labelPadding: 6 },
      },
      columns: 2,
      spacing: 30,
      resolve: { scale: { x: "independent" } },
      spec: {
        width: 376,
        height: 220,
        layer: [
          bufferLayer(((limitInView ? Math.max(limit, largest) : largest) / KIB) * 1.07),
          ...limitLayers(),
          ...labelLayers(),
        ],
      },
    },
  };
}

function bufferLayer(top: number): Layer {
  return {
    transform: [{ filter: "isValid(datum.first)" }],
    mark: { type: "rect", strokeWidth: 0.8 },
    encoding: {
      x: {
        field: "first",
        type: "quantitative",
        title: "step (operator)",
        axis: { tickMinStep: 1, grid: false, format: "d" },
        scale: { nice: false },
      },
      x2: { field: "end" },
      y: { field: "low", type: "quantitative", title: "KiB", scale: { domain: [0, top], nice: false } },
      y2: { field: "high" },
      color: { field: "colour", type: "nominal", scale: null },
      stroke: { field: "stroke", type: "nominal", scale: null },
    },
  };
}

/** Sizes of the large buffers: first a halo in the colour of the buffer, so that the limit's line does not cross the figure. */
function labelLayers(): Layer[] {
  return ["colour", "ink"].map((field): Layer => {
    const paint = { field, type: "nominal", scale: null } as const;
    return {
      transform: [{ filter: "isValid(datum.label)" }],
      mark: { type: "text", fontSize: 10.5, strokeWidth: field === "colour" ? 5 : 0 },
      encoding: {
        x: { field: "middle", type: "quantitative" },
        y: { field: "centre", type: "quantitative" },
        text: { field: "label", type: "nominal" },
        color: paint,
        ...(field === "colour" ? { stroke: paint } : {}),
      },
    };
  });
}

function limitLayers(): Layer[] {
  const y = { field: "limit", type: "quantitative" } as const;
  const transform = [{ filter: "isValid(datum.limit)" }];
  const rule: Layer = {
    transform,
    mark: { type: "rule", color: COLOUR.chosen, strokeDash: [5, 3], strokeWidth: 1.5 },
    encoding: { y },
  };
  const label: Layer = {
    transform,
    mark: { type: "text", color: COLOUR.chosen, align: "right", x: 374, dy: -7, fontSize: 10.5, fontWeight: "bold" },
    encoding: { y, text: { field: "text", type: "nominal" } },
  };
  return [rule, label];
}

/** A rectangle for each buffer, the largest with their size as label, and one for the persistent part above them. */
function rectangles(plan: ArenaPlan, panel: string, colour: string, ink: string) {
  const largest = [...plan.buffers].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_BUFFERS);
  const boxes = largest.map((buffer) => ({ ...buffer, colour, stroke: "#ffffff", ink, what: "" }));
  const persistent = plan.persistent ?? 0;
  if (persistent > 0) {
    const tail = { buffer: "", offset: plan.bytes - persistent, bytes: persistent, first: 0, last: plan.steps - 1 };
    boxes.push({ ...tail, colour: PERSISTENT, stroke: COLOUR.faint, ink: COLOUR.quiet, what: "persistent " });
  }
  return boxes.map((box) => {
    const [first, end, low, high] = [box.first, box.last + 1, box.offset / KIB, (box.offset + box.bytes) / KIB];
    const shape = { panel, first, end, low, high, colour: box.colour, stroke: box.stroke };
    if (box.bytes <= 0.08 * plan.bytes || end - first < 0.095 * plan.steps) return shape;
    const label = `${box.what}${formatNumber(box.bytes / KIB, 1)}`;
    return { ...shape, middle: (first + end) / 2, centre: (low + high) / 2, label, ink: box.ink };
  });
}

function describe(name: string, plan: ArenaPlan): string {
  const [largest] = [...plan.buffers].sort((a, b) => b.bytes - a.bytes);
  const most =
    largest === undefined
      ? ""
      : `; the largest, ${printable(largest.buffer, 60)}, has ${formatQuantity(largest.bytes, "bytes")}`;
  return `${name}: ${formatQuantity(plan.bytes, "bytes")} over ${plan.steps} steps in ${plan.buffers.length} buffers${most}.`;
}
