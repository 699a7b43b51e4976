import type { RecoveredLayer } from "../../src/prune/index.ts";
import type { ComparedOutput } from "../model-check/compare-runs.ts";

/** What a graph costs and, with samples, how well it does on the test split. */
export interface Side {
  readonly macs: number;
  readonly parameters: number;
  readonly accuracy: number | null;
}

/** What `espalier prune --json` prints: fields are only ever added while `schema` stays the same. */
export interface Pruning {
  readonly schema: 1;
  readonly model: string;
  readonly sha256: string;
  readonly out: { readonly file: string; readonly sha256: string; readonly bytes: number; readonly engine: string };
  readonly criterion: string;
  readonly method: string;
  readonly recovery: string;
  readonly data: {
    readonly name: string;
    readonly train: number;
    readonly heldOut: number;
    readonly test: number;
  } | null;
  readonly before: Side;
  /** Right after the cut, before any recovery; the accuracy is null without samples. */
  readonly cut: Side;
  readonly after: Side;
  /** Every group: how many units it had and has. */
  readonly groups: readonly {
    readonly name: string;
    readonly kind: string;
    /** What a unit is, in words: channels, heads, MLP hidden units. */
    readonly unit: string;
    readonly units: number;
    readonly kept: number;
  }[];
  /** What recovery made of each layer that reads cut units. */
  readonly layers: readonly RecoveredLayer[];
  /** The masked original against the cut graph, in ONNX Runtime. */
  readonly proof: {
    readonly difference: number;
    readonly tolerance: number;
    readonly effect: number;
    readonly samples: number;
    /** Of a quantised model whose proof holds only without the rounding of activations: the difference with it. Else null. */
    readonly rounded: number | null;
  };
  /** The written file in its own runtime against the graph. */
  readonly outputs: readonly ComparedOutput[];
  readonly notes: readonly string[];
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function sideLine(what: string, { macs, parameters, accuracy }: Side, whole: Side): string {
  const share = (part: number, all: number) => (all === 0 ? "" : ` (${((100 * part) / all).toFixed(1)} %)`);
  const judged = accuracy === null ? "" : `, ${percent(accuracy)} accurate`;
  return `  ${what} ${macs} MACs${share(macs, whole.macs)}, ${parameters} parameters${share(parameters, whole.parameters)}${judged}`;
}

/** Which layers were refitted, and why others were not. */
function recoveryLines({ layers }: Pruning): string[] {
  if (layers.length === 0) return [];
  const left = layers.filter(({ reason }) => reason !== undefined);
  return [
    `Refitted: ${layers.length - left.length} of ${layers.length} layers that read cut units.`,
    ...left.map(({ node, op, reason }) => `  ${op} "${node}" as the cut left it: ${reason}`),
  ];
}

/** A pruning as text for people. */
export function renderPruning(pruning: Pruning): string {
  const { before, cut, after, groups, proof, outputs, out, data, notes } = pruning;
  const lost = groups.filter(({ units, kept }) => kept < units);
  const worst = outputs.reduce((most, { relative }) => Math.max(most, relative), 0);
  return [
    `${pruning.model}: ${groups.length} groups, units chosen by ${pruning.criterion}, ${pruning.method}`,
    ...(data === null
      ? []
      : [`${data.name}: ${data.train} samples, ${data.heldOut} held out; accuracy on ${data.test} test samples`]),
    sideLine("before      ", before, before),
    sideLine("cut         ", cut, before),
    ...(data === null || after.accuracy === cut.accuracy ? [] : [sideLine("recovered   ", after, before)]),
    `Units kept (${lost.length} of ${groups.length} groups lose some):`,
    ...lost.map(({ name, unit, units, kept }) => `  ${kept} of ${units} ${unit}  ${name}`),
    ...recoveryLines(pruning),
    `Proof: the masked original and the cut graph differ by ${proof.difference.toExponential(1)} (at most ${proof.tolerance.toExponential(1)}) on ${proof.samples} ${proof.samples === 1 ? "sample" : "samples"}; the cut changes outputs by up to ${proof.effect.toExponential(1)}.`,
    ...(proof.rounded === null
      ? []
      : [
          `note: the proof is of real numbers; with rounded activations, a tie that falls otherwise makes ${proof.rounded.toExponential(1)}`,
        ]),
    ...notes.map((note) => `note: ${note}`),
    `Written: ${out.file} (${out.bytes} bytes), run in ${out.engine}: ${worst.toExponential(1)} relative from the graph.`,
    "",
  ].join("\n");
}
