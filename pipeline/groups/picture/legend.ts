import type { FrozenFact } from "../frozen-facts.ts";
import type { GroupsOfModel } from "../groups-of-model.ts";
import { shareText } from "../render.ts";
import { colourOf, element, textElement } from "./svg.ts";

const LINE = 17;
/** Columns of the table, from its left. */
const TABLE = { swatch: 0, number: 20, name: 50, units: 300, macs: 372, bytes: 440 } as const;
export const LEGEND_WIDTH = 450;

/** The table of groups, and what is frozen by reason; with the height that it takes. */
export function legend(facts: GroupsOfModel, x: number, top: number): { markup: string[]; height: number } {
  const markup: string[] = [];
  let y = top;
  const line = (cells: readonly string[]) => {
    markup.push(...cells);
    y += LINE;
  };
  line(header(x, y));
  facts.groups.forEach((group, i) => {
    const colour = colourOf(i + 1);
    const right = { "text-anchor": "end" } as const;
    line([
      element("rect", {
        x: x + TABLE.swatch,
        y: y - 10,
        width: 12,
        height: 12,
        rx: 2,
        fill: colour,
        "fill-opacity": 0.28,
        stroke: colour,
        ...dash(group.kind === "rows"),
      }),
      textElement(`G${i + 1}`, x + TABLE.number, y, 30),
      textElement(group.name, x + TABLE.name, y, TABLE.units - TABLE.name - 60),
      textElement(`${group.units}${group.kind === "rows" ? " rows" : ""}`, x + TABLE.units, y, 60, right),
      textElement(shareText(group.macs, facts.macs), x + TABLE.macs, y, 60, right),
      textElement(shareText(group.bytes, facts.parameters.bytes), x + TABLE.bytes, y, 60, right),
    ]);
  });
  if (facts.groups.length === 0) line([textElement("No groups: nothing can be cut.", x, y, LEGEND_WIDTH)]);
  if (facts.frozen.length > 0) y += LINE / 2;
  for (const [reason, own] of byReason(facts.frozen)) {
    const count = `${own.length} ${own.length === 1 ? "axis" : "axes"} frozen`;
    line([textElement(`${count}, ${reason}: ${own[0]!.because}`, x, y, LEGEND_WIDTH, { fill: "#555555" })]);
  }
  return { markup, height: y - top };
}

/** A dashed outline for groups of whole rows. */
export function dash(rows: boolean): Readonly<Record<string, string>> {
  return rows ? { "stroke-dasharray": "4 3" } : {};
}

function header(x: number, y: number): string[] {
  const style = { fill: "#666666", "font-size": 10 };
  const right = { ...style, "text-anchor": "end" };
  return [
    textElement("group, by what makes its units", x + TABLE.number, y, 230, style),
    textElement("units", x + TABLE.units, y, 60, right),
    textElement("MACs", x + TABLE.macs, y, 60, right),
    textElement("bytes", x + TABLE.bytes, y, 60, right),
  ];
}

function byReason(frozen: readonly FrozenFact[]): Map<string, FrozenFact[]> {
  const found = new Map<string, FrozenFact[]>();
  for (const fact of frozen) found.set(fact.reason, [...(found.get(fact.reason) ?? []), fact]);
  return found;
}
