import { shapeText } from "../../src/ir/index.ts";
import { printable } from "../../src/report/index.ts";
import type { AxisFact, CompanionFact, Explanation, NodeName } from "./explain.ts";
import { wrapList } from "./wrap-list.ts";

function nodeText({ name, operator }: NodeName): string {
  return `${printable(name)} (${operator})`;
}

function atNode(node: NodeName | null): string {
  return node === null ? "" : `, at ${nodeText(node)}`;
}

function wayLines(through: readonly NodeName[], margin: string): string[] {
  return through.length === 0 ? [] : wrapList(through.map(nodeText), `${margin}through `).map(alignAfterFirst);
}

/** Only the first line keeps the word. */
function alignAfterFirst(line: string, i: number): string {
  return i === 0 ? line : line.replace("through", "       ");
}

/** Weights that are reached by the same way are said together. */
function companionLines(companions: readonly CompanionFact[]): string[] {
  const ways = new Map<string, CompanionFact[]>();
  for (const fact of companions) {
    const key = fact.through === null ? "" : JSON.stringify(fact.through);
    ways.set(key, [...(ways.get(key) ?? []), fact]);
  }
  return [...ways.values()].flatMap((facts) => {
    const places = facts.map(({ weight, axes, role }) => `${printable(weight)}[${axes.join(",")}] (${role})`);
    const { through } = facts[0]!;
    const way = through === null ? ["      which lose as many, in the same grid"] : wayLines(through, "      ");
    return [...wrapList(places, "    "), ...way];
  });
}

function axisLines({ axis, size, groups, frozen }: AxisFact): string[] {
  const head = `axis ${axis} (${size ?? "open"})`;
  if (groups.length === 0 && frozen.length === 0)
    return ["", `${head}: nothing is chosen along it${size === 1 ? "" : "; its operators read it whole"}`];
  return [
    "",
    head,
    ...groups.flatMap(({ group, kind, units, of, with: companions }) => [
      `  group ${printable(group)}: ${units === of ? units : `${units} of ${of}`} ${kind === "rows" ? "whole rows" : "units"}${companions.length === 0 ? ", nothing else goes along" : "; with them go"}`,
      ...companionLines(companions),
    ]),
    ...frozen.flatMap(({ reason, because, positions, node, through, row }) => [
      `  frozen${positions === size ? "" : ` (${positions} positions)`}, ${reason}: ${because}${atNode(node)}`,
      ...wayLines(through, "    "),
      ...(row === null ? [] : [`    that row, ${row.reason}: ${row.because}${atNode(row.node)}`]),
    ]),
  ];
}

/** Why a tensor is cut or not, as text for people. */
export function renderExplanation(file: string, { tensor, shape, constant, axes }: Explanation): string {
  return [
    `${printable(file)}: ${constant ? "weight" : "activation"} ${printable(tensor)} ${shapeText(shape)}`,
    ...axes.flatMap(axisLines),
    "",
  ].join("\n");
}
