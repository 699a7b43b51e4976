import { printable } from "../../src/report/index.ts";
import { bytesText, countText } from "../inspect/render.ts";
import { FORMAT_NAMES } from "../model-format.ts";
import type { FrozenFact } from "./frozen-facts.ts";
import type { GroupFact, MemberFact } from "./group-facts.ts";
import type { GroupsOfModel } from "./groups-of-model.ts";
import { wrapList } from "./wrap-list.ts";

const ROLES: Readonly<Record<MemberFact["role"], string>> = { out: "[out]", in: "[in]", parameter: "" };

/** `conv2_1.weight[out] 64`. */
function memberText({ weight, role, positions }: MemberFact): string {
  return `${printable(weight)}${ROLES[role]} ${positions}`;
}

/** "12.3 %" of a whole, rounded down so that only all of it is 100 %; nothing of nothing is all. */
export function shareText(part: number, whole: number): string {
  return `${whole === 0 ? "100.0" : (Math.floor((1000 * part) / whole) / 10).toFixed(1)} %`;
}

function groupLines(group: GroupFact, { parameters, macs }: GroupsOfModel): string[] {
  const kind = group.kind === "rows" ? "whole rows" : "units";
  const least = group.least === group.units ? "none of them can go" : `a cut leaves at least ${group.least}`;
  return [
    "",
    `${printable(group.name)}: ${group.units} ${kind}, ${least}`,
    `  controls ${countText(group.macs)} MACs (${shareText(group.macs, macs)}), ${countText(group.parameters)} parameters, ${bytesText(group.bytes)} (${shareText(group.bytes, parameters.bytes)})`,
    ...wrapList(group.members.map(memberText), "  "),
  ];
}

function frozenText({ weight, axis, size, node, operator, partly }: FrozenFact): string {
  const at = node === null ? "" : ` at ${printable(node)}${operator === null ? "" : ` (${operator})`}`;
  return `${printable(weight)}[${axis}] ${size}${partly ? " in part" : ""}${at}`;
}

function frozenLines(frozen: readonly FrozenFact[]): string[] {
  const reasons = [...new Set(frozen.map(({ reason }) => reason))];
  return reasons.flatMap((reason) => {
    const own = frozen.filter((fact) => fact.reason === reason);
    return ["", `${reason}: ${own[0]!.because}`, ...own.map((fact) => `  ${frozenText(fact)}`)];
  });
}

/** A model's groups as text for people. */
export function renderGroups(facts: GroupsOfModel): string {
  const { groups, frozen, parameters, macs } = facts;
  const rows = groups.filter(({ kind }) => kind === "rows").length;
  const found =
    groups.length === 0 ? "none: nothing can be cut" : `${groups.length - rows} of channels, ${rows} of rows`;
  return [
    `${printable(facts.file)}: ${FORMAT_NAMES[facts.format]}`,
    `  groups      ${found}`,
    `  parameters  ${countText(parameters.count)} (${bytesText(parameters.bytes)}), ${shareText(parameters.prunable, parameters.count)} of them in groups`,
    `  MACs        ${countText(macs)} a sample`,
    ...groups.flatMap((group) => groupLines(group, facts)),
    ...(frozen.length === 0 ? [] : ["", "Frozen axes", ...frozenLines(frozen)]),
    "",
  ].join("\n");
}
