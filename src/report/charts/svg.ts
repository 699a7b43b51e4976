import type { TopLevelSpec } from "vega-lite";
import { escapeXml } from "../text.ts";
import { THEME } from "./theme.ts";

/** One layer of a layered chart. */
export type Layer = Extract<TopLevelSpec, { layer: unknown }>["layer"][number];

/** A chart before it is drawn. */
export interface Chart {
  /** Unique in the page: the base of the ids that name the drawing for screen readers. */
  readonly id: string;
  readonly title: string;
  /** What the chart shows, in words that stand for it when it can't be seen. */
  readonly description: string;
  /** The line under the chart: how to read it, and what was left out. */
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

/**
 * The chart as an <svg> element: no script, no outside resource, no class names, ids that begin with the chart's id.
 * Deterministic: text is measured by Vega's own estimate, without a canvas.
 */
export async function drawChart(chart: Chart): Promise<string> {
  // loaded here, not at the top: only those who draw pay Vega's 0.3 s
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const spec = { ...chart.spec, config: { ...THEME, ...chart.spec.config } };
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: "none", logLevel: vega.Error });
  const drawing = await view.toSVG();
  view.finalize();
  const label = `<title id="${chart.id}-title">${escapeXml(chart.title)}</title><desc id="${chart.id}-desc">${escapeXml(chart.description, 2000)}</desc>`;
  return bare(drawing).replace(/^<svg [^>]*>/, (open) => {
    const size = /viewBox="([^"]*)"/.exec(open)?.[1] ?? "0 0 0 0";
    const width = size.split(" ")[2] ?? "0";
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${size}" width="${width}" role="img" aria-labelledby="${chart.id}-title ${chart.id}-desc">${label}`;
  });
}

/** The drawing without Vega's class names and roles: the page's own style must not meet them, nor a screen reader. */
function bare(drawing: string): string {
  return drawing.replace(/<[^>]*>/g, (tag) => tag.replace(/\s(?:class|role|pointer-events|aria-[a-z]+)="[^"]*"/g, ""));
}
