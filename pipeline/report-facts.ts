import { basename } from "node:path";
import { sha256 } from "../src/io/index.ts";
import type { ReportFacts } from "../src/report/index.ts";
import { parametersOf, totalMacs } from "../targets/index.ts";
import { environmentOf } from "./environment.ts";
import { freezeWords } from "./groups/freeze-reasons.ts";
import { layerRows } from "./layer-rows.ts";
import { modelRows } from "./model-rows.ts";
import type { Outcome } from "./outcome.ts";
import { proofsOf } from "./proofs.ts";
import { latencyOf, memoryOf, searchOf, sensitivityOf, sparsityOf } from "./report-sections.ts";
import { requirementsOf } from "./requirements.ts";
import { withheldBecause } from "./shipping.ts";
import { VERSION } from "./version.ts";

/** A run's outcome as the facts that a report judges. */
export function reportFacts(outcome: Outcome, command: string): ReportFacts {
  const { config, context, model, sensitivity, emitted } = outcome;
  const { data } = context;
  const split = (name: string, samples: number, use: string) => ({ name, samples, use });
  return {
    product: { name: "Espalier", version: VERSION },
    target: config.target.name,
    profile: profileOf(outcome),
    model: {
      name: model.name,
      sha256: model.sha256,
      source: basename(model.file),
      parameters: parametersOf(model.graph),
      macs: totalMacs(model.graph),
      bytes: model.bytes,
    },
    dataset: {
      name: data.test.name,
      source: basename(config.data),
      splits: [
        split("train", data.train.length, "fine-tuning, calibration, batch-norm statistics"),
        split("held-out", data.heldOut.length, "sensitivity and every choice"),
        split("test", data.test.length, testUse(outcome)),
      ],
    },
    seed: config.seed,
    command,
    shipped: shippedOf(outcome),
    requirements: requirementsOf(outcome),
    models: modelRows(outcome),
    layers: layerRows(outcome),
    groups: sensitivity.curves.map(({ group, unit, inside, members, size }) => ({
      id: group,
      members: [...members],
      unit,
      unitsBefore: size,
      unitsAfter: inside.some((block) => outcome.budget.kept[block] === 0) ? 0 : (outcome.budget.kept[group] ?? size),
      criterion: config.criterion,
    })),
    proofs: proofsOf(outcome),
    sensitivity: sensitivityOf(outcome),
    search: searchOf(outcome),
    ...latencyOf(outcome),
    ...memoryOf(outcome),
    ...sparsityOf(outcome),
    artifacts: artifactsOf(outcome),
    diagnostics: emitted.notes.map((message) => ({ severity: "note" as const, code: "lowering", message })),
    notes: notesOf(outcome),
    run: { environment: environmentOf(), stages: context.stages.map((stage) => ({ ...stage })) },
  };
}

/** The files that are handed over. */
function artifactsOf(outcome: Outcome): ReportFacts["artifacts"] {
  if (withheldBecause(outcome) !== null) return [];
  return outcome.emitted.files.map(({ file, what }) => {
    const bytes = outcome.bytes[file]!;
    return { file, bytes: bytes.length, sha256: sha256(bytes), what };
  });
}

/** What the test split decided: nothing, but for which of several timed artifacts is judged (see `chooseShipped`). */
function testUse({ timings }: Outcome): string {
  return timings === null
    ? "accuracy in this report; this run chose nothing by it"
    : "accuracy in this report, and which artifact is the fastest that keeps it";
}

function profileOf({ config }: Outcome): ReportFacts["profile"] {
  const { profile } = config;
  if (profile.class === "cpu")
    return {
      name: profile.name,
      description: profile.description,
      evidence: "Measured on this machine while deploying",
      sources: [],
    };
  const { calibration } = profile.latency;
  const error = calibration.heldOutError ?? calibration.fittedError;
  const evidence = `${calibration.basis}: ${calibration.rows} measurements of ${calibration.models} networks${error === null || error === undefined ? "" : `, mean error ${(100 * error).toFixed(1)} %`}`;
  return { name: profile.name, description: profile.description, evidence, sources: [calibration.source] };
}

function shippedOf(outcome: Outcome): NonNullable<ReportFacts["shipped"]> {
  const { shipped, budget, pruned } = outcome;
  const kept = pruned.changed
    ? "pruned, fine-tuned and verified"
    : "the original's weights: it meets the budget as it is";
  const withheld = withheldBecause(outcome);
  if (withheld !== null) return { model: "original", reason: `The compressed model is withheld: ${withheld}` };
  return {
    model: pruned.changed || shipped.kind.includes("8") ? "compressed" : "original",
    reason: `${shipped.file}: ${kept}; ${budget.evaluations} candidates were weighed`,
  };
}

function notesOf({ context, config, sensitivity }: Outcome): string[] {
  const notes: string[] = [];
  if (config.testSamples !== null)
    notes.push(`Accuracy was judged on the first ${context.data.test.length} test samples only.`);
  if (context.data.test.note !== undefined) notes.push(context.data.test.note);
  if (config.profile.class !== "cpu")
    notes.push(
      "Accuracy was measured on this machine's CPU in the artifact's own runtime; time and memory on the device are as each row's evidence says.",
    );
  const reasons = new Map<string, number>();
  for (const { reason } of sensitivity.frozen) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  for (const [reason, count] of [...reasons].sort()) {
    notes.push(`${count} ${count === 1 ? "axis stays" : "axes stay"} whole: ${freezeWords(reason)}.`);
  }
  return notes;
}
