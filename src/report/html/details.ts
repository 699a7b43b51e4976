import { paretoChart } from "../charts/pareto.ts";
import { sensitivityChart } from "../charts/sensitivity.ts";
import { formatNumber, formatQuantity, formatSeconds, formatShare } from "../format.ts";
import type { Report } from "../schema.ts";
import type { Group, Layer } from "../schema-sections.ts";
import { chartFigure, code, facts, figure, leftOut, name, section, small, table, text } from "./elements.ts";
import { type Html, join, markup, NOTHING, sentence } from "./markup.ts";

const MOST_LAYERS = 60;
const MOST_GROUPS = 40;
const MOST_MEMBERS = 4;

/** How the widths were chosen: the price of each group, and the candidates that were weighed. */
export async function choiceSection(report: Report): Promise<Html> {
  const sensitivity = report.sensitivity === undefined ? null : sensitivityChart(report.sensitivity, report.groups);
  const pareto = report.search === undefined ? null : paretoChart(report.search);
  return section("How the widths were chosen", await Promise.all([chartFigure(sensitivity), chartFigure(pareto)]));
}

export function detailSection(report: Report): Html {
  return section("Details", [layerTable(report.layers), groupTable(report.groups), runFacts(report)]);
}

function layerTable(layers: readonly Layer[]): Html {
  if (layers.length === 0) return NOTHING;
  const shown = layers.slice(0, MOST_LAYERS);
  const pair = (before: string, after: string) => (before === after ? before : `${before} \u2192 ${after}`);
  const share = (value: number | undefined) => (value === undefined ? "" : formatShare(value, 1));
  const rows = shown.map((layer) => [
    layer.node,
    layer.op,
    pair(formatNumber(layer.channelsBefore), formatNumber(layer.channelsAfter)),
    formatNumber(layer.macsBefore),
    formatNumber(layer.macsAfter),
    formatNumber(layer.bytesBefore),
    formatNumber(layer.bytesAfter),
    share(layer.latencyShareBefore),
    share(layer.latencyShareAfter),
  ]);
  const columns = [
    name("Layer"),
    text("Operator"),
    figure("Channels"),
    figure("MACs before"),
    figure("after"),
    figure("Weight bytes before"),
    figure("after"),
    figure("Time before"),
    figure("after"),
  ];
  return join([markup`<h3>Layers</h3>\n`, table(columns, rows), leftOut(layers.length, shown.length, "layers")]);
}

function groupTable(groups: readonly Group[]): Html {
  if (groups.length === 0) return NOTHING;
  const shown = groups.slice(0, MOST_GROUPS);
  const rows = shown.map((group) => [
    join([code(group.id), group.frozen === undefined ? NOTHING : small(sentence(`Frozen: ${group.frozen}`))]),
    unitsOf(group),
    group.criterion,
    memberList(group.members),
  ]);
  const columns = [text("Group"), figure("Units"), text("Criterion"), name("Members: axes that are cut together")];
  return join([markup`<h3>Groups</h3>\n`, table(columns, rows), leftOut(groups.length, shown.length, "groups")]);
}

function unitsOf({ unitsBefore, unitsAfter, unit }: Group): Html {
  const count =
    unitsBefore === unitsAfter
      ? formatNumber(unitsBefore)
      : `${formatNumber(unitsBefore)} \u2192 ${formatNumber(unitsAfter)}`;
  return unit === undefined ? markup`${count}` : join([markup`${count}`, small(unit)]);
}

function memberList(members: readonly string[]): Html {
  const shown = join(members.slice(0, MOST_MEMBERS), ", ");
  const left = members.length - MOST_MEMBERS;
  return left > 0 ? markup`${shown} and ${left} more` : shown;
}

function runFacts(report: Report): Html {
  const { environment, stages } = report.run;
  const total = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const runtimes = environment.runtimes.map((runtime) => `${runtime.name} ${runtime.version}`).join(", ");
  const times = stages
    .map((stage) => `${stage.name} ${stage.resumed ? "(taken over)" : formatSeconds(stage.seconds)}`)
    .join(", ");
  const { profile, dataset } = report;
  return join([
    markup`<h3>Run</h3>\n`,
    facts([
      ["Model hash", markup`<code class="hash">${report.model.sha256}</code>`],
      ["Machine", `${environment.cpu}, ${environment.cores} cores`],
      ["Runtimes", join([`Node ${environment.node.replace(/^v/, "")}`, small(runtimes)])],
      ["Stages", join([`${formatSeconds(total)} in all`, small(sentence(times))])],
      ["Profile", join([profile.name, ...profile.sources.slice(0, 8).map((source) => small(sentence(source)))])],
      [
        "Data",
        join([
          dataset.source ?? dataset.name,
          ...dataset.splits.map((split) => small(`${split.name}: ${formatNumber(split.samples)}, ${split.use}`)),
        ]),
      ],
    ]),
  ]);
}

/** The files to release, each with its hash, so that paper and file can be compared. */
export function artifactSection(report: Report): Html {
  if (report.artifacts.length === 0) return section("Artifacts", [markup`<p><b>No artifact was written.</b></p>\n`]);
  const rows = report.artifacts.map((artifact) => [
    join([code(artifact.file), small(sentence(artifact.what))]),
    join([formatQuantity(artifact.bytes, "bytes"), small(`${formatNumber(artifact.bytes)} B`)]),
    markup`<code class="hash">${artifact.sha256}</code>`,
  ]);
  return section("Artifacts", [table([text("File"), figure("Size"), text("SHA-256")], rows)]);
}
