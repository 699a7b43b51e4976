import type { PruneGroup } from "../../../src/prune/index.ts";
import { escapeXml } from "../../../src/report/index.ts";
import type { Layer, Side } from "./layers.ts";
import { colourOf, element, textElement } from "./svg.ts";

/** Height of a layer's line. */
export const ROW = 24;
const CHIP = { width: 108, height: 18 } as const;
/** Places of what stands in a line, from the left. */
export const COLUMNS = {
  number: 34,
  box: 42,
  name: 50,
  operators: 246,
  boxEnd: 472,
  reads: 480,
  makes: 594,
  end: 708,
} as const;

export type NumberOf = (group: PruneGroup) => number;

/** The name of a layer's first node, its operators, and what it reads and makes. */
export function layerRow(layer: Layer, index: number, top: number, numberOf: NumberOf): string[] {
  const middle = top + ROW / 2;
  const base = middle + 4;
  const [first] = layer.nodes;
  return [
    textElement(String(index + 1), COLUMNS.number, base, 30, { "text-anchor": "end", fill: "#8a8a8a" }),
    element("rect", {
      x: COLUMNS.box,
      y: top + 2,
      width: COLUMNS.boxEnd - COLUMNS.box,
      height: ROW - 4,
      rx: 3,
      fill: "#f6f7f9",
      stroke: "#c9ced6",
    }),
    textElement(first!.name, COLUMNS.name, base, COLUMNS.operators - COLUMNS.name - 6),
    textElement(operatorsText(layer), COLUMNS.operators, base, COLUMNS.boxEnd - COLUMNS.operators - 6, {
      fill: "#666666",
    }),
    ...chip(layer.reads, COLUMNS.reads, top, numberOf),
    ...chip(layer.makes, COLUMNS.makes, top, numberOf),
  ];
}

/** "Conv, BatchNormalization, Relu", repeats counted. */
function operatorsText({ nodes }: Layer): string {
  const parts: { op: string; count: number }[] = [];
  for (const { op } of nodes) {
    const last = parts[parts.length - 1];
    if (last?.op === op) last.count++;
    else parts.push({ op, count: 1 });
  }
  return parts.map(({ op, count }) => (count === 1 ? op : `${count} ${op}`)).join(", ");
}

interface Part {
  readonly text: string;
  readonly title: string;
  readonly colour: string | null;
}

function partsOf({ groups, frozen, passing }: Side, numberOf: NumberOf): Part[] {
  const own = [...groups].map(([group, size]) => ({
    text: `${size} G${numberOf(group)}`,
    title: `${group.name}: ${size} ${passing ? "units pass" : "positions of the weight"}`,
    colour: colourOf(numberOf(group)),
  }));
  const fixed = frozen.map(({ size, reason }) => ({
    text: `${size} ${reason}`,
    title: `${size} positions stay whole: ${reason}`,
    colour: null,
  }));
  return [...own, ...fixed];
}

/** One side of a layer: a part for each group, grey where it is frozen. Three fit. */
function chip(side: Side, x: number, top: number, numberOf: NumberOf): string[] {
  const all = partsOf(side, numberOf);
  const shown = all.length <= 3 ? all : [...all.slice(0, 2), more(all.slice(2))];
  const width = CHIP.width / Math.max(1, shown.length);
  return shown.map(({ text, title, colour }, i) =>
    element("g", {}, [
      element("rect", {
        x: x + i * width,
        y: top + (ROW - CHIP.height) / 2,
        width: width - 2,
        height: CHIP.height,
        rx: 3,
        fill: colour ?? "#c4c4c4",
        "fill-opacity": side.passing ? 0 : colour === null ? 0.55 : 0.28,
        stroke: colour ?? "#9b9b9b",
        "stroke-opacity": side.passing ? 0.5 : 1,
      }),
      textElement(text, x + i * width + width / 2 - 1, top + ROW / 2 + 3.5, width - 4, {
        "text-anchor": "middle",
        "font-size": 10,
        fill: side.passing ? "#8a8a8a" : colour === null ? "#4a4a4a" : "#111111",
      }),
      element("title", {}, [escapeXml(title, 400)]),
    ]),
  );
}

function more(parts: readonly Part[]): Part {
  return { text: `+${parts.length}`, title: parts.map(({ title }) => title).join("; "), colour: null };
}
