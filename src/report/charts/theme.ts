import type { Config } from "vega-lite";

/**
 * Colours of all charts. Before and after differ in lightness as well as hue, so they stay apart in grey print and for
 * colour-blind readers (blue and orange of Okabe and Ito's palette, https://jfly.uni-koeln.de/color/).
 */
export const COLOUR = {
  before: "#b4c0cc",
  after: "#0b5c93",
  chosen: "#d55e00",
  faint: "#c9ced6",
  ink: "#1d232b",
  quiet: "#5b6570",
  grid: "#e6e9ed",
} as const;

export const FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif";

/** Width of a chart on screen, axes and labels included; on paper it shrinks to the page. */
export const CHART_WIDTH = 840;

/** Fit a single view, its labels included, into CHART_WIDTH. Views of several panels can't: they give the panels' widths. */
export const FIT = { type: "fit-x", contains: "padding" } as const;

/** Vega-Lite configuration shared by all charts. */
export const THEME: Config = {
  background: "transparent",
  font: FONT,
  aria: false, // the figure itself has a title and a description; marks one by one would only be noise
  view: { stroke: null },
  axis: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    labelColor: COLOUR.quiet,
    titleColor: COLOUR.quiet,
    domainColor: COLOUR.faint,
    tickColor: COLOUR.faint,
    gridColor: COLOUR.grid,
    labelLimit: 400,
    titleLimit: 400,
  },
  title: {
    fontSize: 12,
    fontWeight: "bold",
    color: COLOUR.ink,
    anchor: "start",
    limit: 600,
    subtitleColor: COLOUR.quiet,
    subtitleFontSize: 11,
  },
  header: { labelFontSize: 11, labelColor: COLOUR.ink, labelFontWeight: "bold", titleFontSize: 11 },
  legend: { labelFontSize: 11, titleFontSize: 11, labelColor: COLOUR.ink, orient: "top", title: null },
  text: { fontSize: 11, color: COLOUR.ink },
};
