import { FORMAT_NAMES } from "../model-format.ts";
import { portText } from "./graph-facts.ts";
import type { Inspection } from "./inspect-model.ts";
import type { Obstacle, TargetFacts } from "./target-obstacles.ts";

/** A size in bytes for people: "1.2 MiB". */
export function bytesText(bytes: number): string {
  if (bytes >= 1024 ** 2) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${bytes} bytes`;
}

/** A count for people: "12.5 M". */
export function countText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  return count >= 1e4 ? `${(count / 1e3).toFixed(1)} k` : String(count);
}

const ARITHMETIC: Readonly<Record<Inspection["arithmetic"], string>> = {
  float32: "none",
  float16: "none (float16 weights)",
  dynamic: "dynamic range: 8-bit weights, real activations",
  integer: "integer activations and weights",
};

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function operatorLines({ operators }: Inspection): string[] {
  const width = Math.max(0, ...operators.map(({ op }) => op.length));
  return operators.map(
    ({ op, count, macs }) =>
      `${op.padEnd(width)}  ${String(count).padStart(4)}${macs === 0 ? "" : `  ${countText(macs)} MACs`}`,
  );
}

/** Converters make names of hundreds of letters; the JSON has them whole. */
function clip(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function obstacleLines({ stage, where, what, hint }: Obstacle): string[] {
  const first = `${stage}: ${what}${where === null ? "" : ` (${clip(where)})`}`;
  return hint === null ? [`  - ${first}`] : [`  - ${first}`, `    ${hint}`];
}

const same = (a: Obstacle, b: Obstacle) => a.stage === b.stage && a.where === b.where && a.what === b.what;

/** What each of several targets refuses is said once. */
function sharedRefusals(targets: readonly TargetFacts[]): readonly Obstacle[] {
  const [first, ...others] = targets;
  if (first === undefined || others.length === 0) return [];
  return first.refusals.filter((refusal) =>
    others.every(({ refusals }) => refusals.some((other) => same(refusal, other))),
  );
}

function targetLines(target: TargetFacts, shared: readonly Obstacle[]): string[] {
  const memory =
    target.memory === null
      ? ""
      : `, arena ${bytesText(target.memory.arenaBytes)}, flash ${bytesText(target.memory.flashBytes)} before pruning`;
  const own = target.refusals.filter((refusal) => !shared.some((other) => same(refusal, other)));
  return [
    `${target.target} (${target.profile}): ${target.accepted ? "accepts it" : "refuses it"}${memory}`,
    ...own.flatMap(obstacleLines),
    ...target.remarks.flatMap(obstacleLines),
  ];
}

function allTargets(targets: readonly TargetFacts[]): string[] {
  const shared = sharedRefusals(targets);
  const common = shared.length === 0 ? [] : ["every target:", ...shared.flatMap(obstacleLines)];
  return [...common, ...targets.flatMap((target) => targetLines(target, shared))];
}

/** What a model is, as text for people. */
export function renderInspection(facts: Inspection): string {
  const { parameters, activationPeak: peak } = facts;
  const stored = facts.stored
    .map(
      ({ dtype, tensors, elements }) =>
        `${countText(elements)} ${dtype} in ${tensors} tensor${tensors === 1 ? "" : "s"}`,
    )
    .join(", ");
  return [
    `${facts.file}: ${FORMAT_NAMES[facts.format]}, ${bytesText(facts.bytes)}`,
    `  parameters       ${countText(parameters.count)} (${bytesText(parameters.bytes)})`,
    `  MACs             ${countText(facts.macs)} a sample`,
    `  activation peak  ${bytesText(peak.bytes)}${peak.node === null ? "" : ` at ${peak.node}`}`,
    `  quantisation     ${ARITHMETIC[facts.arithmetic]}`,
    `  stored           ${stored === "" ? "no constants" : stored}`,
    ...block("Inputs", facts.inputs.map(portText)),
    ...block("Outputs", facts.outputs.map(portText)),
    ...block(
      "State, carried from run to run",
      facts.state.map(({ input, output }) => `${output} -> ${input}`),
    ),
    ...block("Operators", operatorLines(facts)),
    ...block("Targets", allTargets(facts.targets)),
    "",
  ].join("\n");
}
