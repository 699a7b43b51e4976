import { readOnnx } from "../src/formats/onnx/index.ts";
import { decodeTflite } from "../src/formats/tflite/codec/index.ts";
import { openRunDirectory } from "../src/io/index.ts";
import { buildReport, type Report, renderHtml, renderJson, renderJUnit, renderMarkdown } from "../src/report/index.ts";
import { checkFit, headOf } from "../src/train/index.ts";
import { deviceCost } from "../targets/index.ts";
import { type DeployConfig, type DeployRequest, resolveConfig } from "./config.ts";
import type { RunContext, Staged } from "./context.ts";
import { loadRunData } from "./data.ts";
import { costOptions } from "./device.ts";
import { graphOf } from "./graph-file.ts";
import type { Outcome } from "./outcome.ts";
import type { Progress } from "./progress.ts";
import { reportFacts } from "./report-facts.ts";
import { chooseShipped, withheldBecause } from "./shipping.ts";
import { baselineStage } from "./stages/baseline.ts";
import { budgetStage } from "./stages/budget.ts";
import { emitStage } from "./stages/emit.ts";
import { type Tuned, tuneStage } from "./stages/finetune.ts";
import { type ImportedModel, importModel } from "./stages/import.ts";
import { type Pruned, pruneStage } from "./stages/prune.ts";
import { quantizeStage } from "./stages/quantize.ts";
import { sensitivityStage } from "./stages/sensitivity.ts";
import { sparsify, sparsityOf } from "./stages/sparsify.ts";
import { timeArtifacts } from "./stages/time.ts";
import { verifyStage } from "./stages/verify.ts";

export interface DeployResult {
  readonly report: Report;
  readonly reportJson: string;
  /** Paths of everything that was written for the user. */
  readonly files: readonly string[];
}

/** What a caller has a say in while it runs. */
export interface DeployControl {
  /** The command line, for the report. */
  readonly command?: string;
  /** Stops the run between two stages or two training steps; what was finished is kept for the next run. */
  readonly signal?: AbortSignal;
}

/** Runs a whole deployment: model and device in, verified artifacts and a compliance report out. Throws EspalierError; a requirement that does not hold is no error but a verdict. */
export async function deploy(
  request: DeployRequest,
  progress: Progress,
  { command = "espalier deploy", signal = new AbortController().signal }: DeployControl = {},
): Promise<DeployResult> {
  const config = await resolveConfig(request);
  const model = await importModel(config.model);
  const data = await loadRunData(config, model.sampleShape);
  for (const split of [data.train, data.test]) checkFit(model.graph, headOf(model.graph), split);
  const directory = await openRunDirectory(config.out);
  try {
    // A report that lies in the folder must be of the run that was asked for last, also when this one ends without any.
    await directory.removeResults();
    const context: RunContext = { config, data, directory, progress, signal, stages: [] };
    const outcome = await runStages(context, model);
    return await writeResults(context, outcome, command);
  } finally {
    await directory.close();
  }
}

async function runStages(context: RunContext, model: ImportedModel): Promise<Outcome> {
  const { config } = context;
  const baseline = await baselineStage(context, model);
  const sensitivity = await sensitivityStage(context, model, baseline);
  const budget = await budgetStage(context, model, sensitivity);
  const pruned = await pruneStage(context, model, sensitivity, budget);
  const tuned = await recover(context, model, pruned);
  const graph = graphOf(tuned);
  const needsInt8 = config.artifacts.some((kind) => kind.endsWith("int8") || kind === "c");
  const quantized = needsInt8 ? await quantizeStage(context, model, tuned.key, graph) : null;
  const int8 = quantized === null ? null : graphOf(quantized);
  const emitted = await emitStage(context, { float: graph, int8, from: quantized?.key ?? tuned.key, name: model.name });
  const verified = await verifyStage(context, emitted, { float: graph, int8 });
  const timings = config.profile.class === "cpu" ? await timeArtifacts(context, model, emitted) : null;
  const shipped = chooseShipped(config, baseline.json, verified.json, timings);
  const { original, candidate } = costOptions(config);
  const bytes = emitted.files;
  const lower = config.profile.class === "mcu" ? { lower: () => decodeTflite(bytes[shipped.file]!) } : {};
  return {
    context,
    config,
    model,
    baseline: baseline.json,
    sensitivity: sensitivity.json,
    budget: budget.json,
    pruned: pruned.json,
    quantized: quantized?.json ?? null,
    sparsity:
      config.target.sparsity === null ? null : sparsityOf(readOnnx(bytes[`${model.name}.float32.onnx`]!), config),
    emitted: emitted.json,
    verified: verified.json,
    graph,
    costs: { original: deviceCost(model.graph, original), artifact: deviceCost(graph, { ...candidate, ...lower }) },
    shipped,
    timings,
    bytes,
  };
}

/** Fine-tunes what was cut; with N:M sparsity, masks the weights afterwards and tunes again under the masks. A model that was not cut keeps its weights. */
async function recover(context: RunContext, model: ImportedModel, pruned: Staged<Pruned>): Promise<Staged<Tuned>> {
  const { config } = context;
  const epochs = pruned.json.changed ? config.epochs : 0;
  const tuned = await tuneStage(context, model, {
    name: "finetune",
    what: recoveryText(epochs, pruned.json.changed, context.data.train.length),
    from: pruned.key,
    graph: graphOf(pruned),
    epochs,
  });
  const { sparsity } = config.target;
  if (sparsity === null) return tuned;
  const { graph, masks } = await sparsify(graphOf(tuned), config, context.data.train);
  const share = sparsity.epochs / config.target.recovery.epochs;
  return tuneStage(context, model, {
    name: "sparse-tune",
    what: `${sparsity.n}:${sparsity.m} by ${config.sparsityCriterion} on ${masks.size} weights, tuned under the masks`,
    from: `${tuned.key} ${config.sparsityCriterion}`,
    graph,
    epochs: masks.size === 0 ? 0 : share * config.epochs,
    masks,
  });
}

function recoveryText(epochs: number, changed: boolean, samples: number): string {
  if (epochs === 0) return changed ? "none was asked for" : "nothing was cut, the weights stay";
  return `${epochs} epoch${epochs === 1 ? "" : "s"} on ${samples} samples, distilled from the original`;
}

async function writeResults(context: RunContext, outcome: Outcome, command: string): Promise<DeployResult> {
  const { directory } = context;
  const report = buildReport(reportFacts(outcome, command));
  const reportJson = renderJson(report);
  const artifacts = outcome.emitted.files.map(({ file }) => [file, outcome.bytes[file]!] as const);
  const files = await directory.writeResults({
    // What is no better than the original is not handed over; it stays in the run's stages for whoever wants to look.
    ...(withheldBecause(outcome) === null ? Object.fromEntries(artifacts) : {}),
    "report.json": reportJson,
    "report.md": renderMarkdown(report),
    "report.xml": renderJUnit(report),
    "report.html": await renderHtml(report),
  });
  return { report, reportJson, files };
}

export type { DeployConfig, DeployRequest };
