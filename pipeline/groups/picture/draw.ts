import type { PruneGroup } from "../../../src/prune/index.ts";
import { countText } from "../../inspect/render.ts";
import type { GroupedModel, GroupsOfModel } from "../groups-of-model.ts";
import { shareText } from "../render.ts";
import { type Lane, lanesOf } from "./lanes.ts";
import { COLUMNS, layerRow, ROW } from "./layer-rows.ts";
import { type Layer, layersOf, type Mark } from "./layers.ts";
import { dash, LEGEND_WIDTH, legend } from "./legend.ts";
import { colourOf, element, FONT_SIZE, textElement } from "./svg.ts";

const LANE = 22;
const TOP = 96;
const MARGIN = 16;

/**
 * A model's groups as an SVG picture: a line for each layer with what it reads and makes, grey where it is frozen, and beside them a vertical line for
 * each group with a mark at every layer that is cut with it.
 */
export function drawGroups(model: GroupedModel, facts: GroupsOfModel): string {
  const layers = layersOf(model.graph, model.groups);
  const { groups } = model.groups;
  const lanes = lanesOf(groups, layers);
  const numbers = new Map(groups.map((group, i) => [group, i + 1]));
  const numberOf = (group: PruneGroup) => numbers.get(group)!;
  const lanesLeft = COLUMNS.end + LANE;
  const columns = Math.max(0, ...lanes.map(({ column }) => column + 1));
  const legendLeft = lanesLeft + columns * LANE + 12;
  const table = legend(facts, legendLeft, TOP - 14);
  const width = legendLeft + LEGEND_WIDTH + MARGIN;
  const height = TOP + Math.max(layers.length * ROW, table.height) + MARGIN;
  const content = [
    element("rect", { width, height, fill: "#ffffff" }),
    ...heading(facts, width),
    ...stripes(layers, legendLeft),
    ...lanes.flatMap((lane) => laneMarks(lane, layers, lanesLeft + lane.column * LANE)),
    ...layers.flatMap((layer, i) => layerRow(layer, i, TOP + i * ROW, numberOf)),
    ...table.markup,
  ];
  const root = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` };
  const font = { "font-family": "Helvetica, Arial, sans-serif", "font-size": FONT_SIZE, fill: "#222222" };
  return `${element("svg", { ...root, ...font }, content)}\n`;
}

function heading({ file, parameters, macs, groups }: GroupsOfModel, width: number): string[] {
  const share = shareText(parameters.prunable, parameters.count);
  const facts = `${groups.length} groups hold ${share} of ${countText(parameters.count)} parameters; ${countText(macs)} MACs a sample. A group's shares are what goes when it alone is cut to the least.`;
  const y = 66;
  const style = { fill: "#666666", "font-size": 10 };
  return [
    textElement(file, MARGIN, 26, width - 2 * MARGIN, { "font-size": 16, "font-weight": "bold" }),
    textElement(facts, MARGIN, 44, width - 2 * MARGIN, { fill: "#444444" }),
    ...MARKS.flatMap(([kind, words], i) => [
      markAt(kind, MARGIN + 6 + i * 130, y - 3.5, "#444444"),
      textElement(words, MARGIN + 16 + i * 130, y, 120, style),
    ]),
    textElement("grey: frozen; outline: passes through, no weight is cut there", MARGIN + 4 * 130, y, 380, style),
    textElement("layer", COLUMNS.name, TOP - 8, 100, style),
    textElement("operators", COLUMNS.operators, TOP - 8, 100, style),
    textElement("reads", COLUMNS.reads + 2, TOP - 8, 100, style),
    textElement("makes", COLUMNS.makes + 2, TOP - 8, 100, style),
  ];
}

const MARKS: readonly (readonly [Mark, string])[] = [
  ["out", "makes the units"],
  ["in", "reads the units"],
  ["parameter", "scales or shifts them"],
  ["join", "units meet here"],
];

/** Every other layer on a faint ground, to lead the eye to the lanes. */
function stripes(layers: readonly Layer[], right: number): string[] {
  return layers.flatMap((_, i) =>
    i % 2 === 0
      ? []
      : [
          element("rect", {
            x: COLUMNS.reads - 4,
            y: TOP + i * ROW,
            width: right - COLUMNS.reads - 4,
            height: ROW,
            fill: "#f7f7f7",
          }),
        ],
  );
}

function laneMarks({ group, number, first, last }: Lane, layers: readonly Layer[], x: number): string[] {
  const colour = colourOf(number);
  const y = (row: number) => TOP + row * ROW + ROW / 2;
  const marks = layers.slice(first, last + 1).flatMap(({ marks }, i) => {
    const kind = marks.get(group);
    return kind === undefined ? [] : [markAt(kind, x, y(first + i), colour)];
  });
  return [
    element("line", {
      x1: x,
      x2: x,
      y1: y(first),
      y2: y(last),
      stroke: colour,
      "stroke-width": 2,
      ...dash(group.kind === "rows"),
    }),
    ...marks,
    textElement(`G${number}`, x, y(first) - 8, 40, { "text-anchor": "middle", "font-size": 9, fill: colour }),
  ];
}

function markAt(kind: Mark, x: number, y: number, colour: string): string {
  if (kind === "join")
    return element("path", {
      d: `M ${x} ${y - 5} L ${x + 5} ${y} L ${x} ${y + 5} L ${x - 5} ${y} Z`,
      fill: "#ffffff",
      stroke: colour,
      "stroke-width": 1.5,
    });
  const own = { out: { r: 5, fill: colour }, in: { r: 4.5, fill: "#ffffff" }, parameter: { r: 2.5, fill: colour } };
  return element("circle", { cx: x, cy: y, ...own[kind], stroke: colour, "stroke-width": 1.5 });
}
