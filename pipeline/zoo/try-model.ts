import { valueById } from "../../src/ir/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { storedWeights } from "../inspect/stored-weights.ts";
import { type Artifact, onnxArtifact, openArtifact } from "../model-check/artifact.ts";
import { type ComparedOutput, compareRuns } from "../model-check/compare-runs.ts";
import { arithmeticOf, boundsOf } from "../model-check/exactness.ts";
import { sampleInputs } from "../model-check/sample-inputs.ts";
import type { ModelBytes } from "../model-file.ts";
import { attempt, messageOf } from "./attempt.ts";
import type { ZooEntry } from "./find-models.ts";
import type { Golden } from "./golden.ts";
import { type Imported, importAs, importGraph, isRefusal } from "./import-as.ts";
import { loadEntry } from "./load-entry.ts";
import { type Reference, runOriginal, sizesText } from "./reference.ts";
import type { ZooRow } from "./row.ts";

const SEED = 1;

/** Imports one model, runs it and its original on the same inputs, and compares. Never throws: whatever goes wrong is in the row. */
export async function tryModel(entry: ZooEntry): Promise<ZooRow> {
  const start = performance.now();
  const row = {
    name: entry.name,
    format: "?",
    bytes: 0,
    sizes: "",
    importSeconds: 0,
    difference: null,
    engine: "-",
    detail: "",
  };
  const done = (changes: Partial<ZooRow> & Pick<ZooRow, "status">): ZooRow => ({
    ...row,
    ...changes,
    seconds: (performance.now() - start) / 1000,
  });
  const loaded = await attempt(() => loadEntry(entry));
  if (loaded.value === undefined) {
    const expected = entry.negative && isRefusal(loaded.error);
    return done({ status: expected ? "refused" : "FAIL", detail: messageOf(loaded.error) });
  }
  const { model, golden } = loaded.value;
  Object.assign(row, { format: model.format, bytes: model.totalBytes });
  try {
    return done(entry.negative ? await tryNegative(model) : await tryPositive(model, golden));
  } catch (error) {
    return done({ status: "FAIL", detail: messageOf(error) });
  }
}

type Result = Partial<ZooRow> & Pick<ZooRow, "status">;

async function tryNegative(model: ModelBytes): Promise<Result> {
  const read = await attempt(() => importGraph(model, {}));
  if (read.error === undefined)
    return { status: "FAIL", detail: "it was read, although its name says that it is to be refused" };
  return { status: isRefusal(read.error) ? "refused" : "FAIL", detail: messageOf(read.error, model.path) };
}

/** What the documentation says is not read, although its runtime runs it. */
const STATED_LIMIT = /control flow is not supported/;

async function tryPositive(model: ModelBytes, golden: Golden | null): Promise<Result> {
  const original = await attempt(() => runOriginal(model, golden, SEED));
  const reference = original.value;
  const imported = await attempt(() => importAs(model, reference));
  if (imported.value === undefined) {
    const message = messageOf(imported.error, model.path);
    const known = isRefusal(imported.error) && (reference === undefined || STATED_LIMIT.test(message));
    const runtime = reference === undefined ? `; its own runtime: ${messageOf(original.error)}` : "";
    return { status: known ? "refused" : "FAIL", detail: `${message}${runtime}`, engine: reference?.engine ?? "-" };
  }
  const { seconds: importSeconds, graph } = imported.value;
  const artifact = onnxArtifact(graph);
  if (reference === undefined) {
    await runAlone(artifact);
    return { status: "unrun", importSeconds, detail: `its own runtime refuses it: ${messageOf(original.error)}` };
  }
  return { importSeconds, ...(await compare(model, imported.value, artifact, reference)) };
}

/** The import runs in ONNX Runtime, even when there is nothing to compare it with. */
async function runAlone(artifact: Artifact): Promise<void> {
  const runner = await openArtifact(artifact);
  try {
    const shapes = runner.inputs.map(({ shape }) => shape.map((dim) => (typeof dim === "string" ? 1 : dim)));
    await runner.run(sampleInputs(runner.inputs, shapes, SEED));
  } finally {
    await runner.close();
  }
}

/** Inputs that the import bound to what they were in the first run: only runs with the same values can be compared. */
function boundAlike(reference: Reference, bound: ReadonlySet<string>): Reference {
  const places = reference.inputs.flatMap(({ name }, i) => (bound.has(name) ? [i] : []));
  const first = reference.runs[0];
  const alike = (inputs: readonly Tensor[]) =>
    places.every((i) => String(inputs[i]!.data) === String(first!.inputs[i]!.data));
  return { ...reference, runs: reference.runs.filter(({ inputs }) => alike(inputs)) };
}

async function compare(
  model: ModelBytes,
  { raw, graph, bound }: Imported,
  artifact: Artifact,
  all: Reference,
): Promise<Result> {
  const reference = boundAlike(all, bound);
  const arithmetic = arithmeticOf(raw, model.format, new Set(storedWeights(model).map(({ dtype }) => dtype)));
  const hidden = new Set(artifact.state.map(({ output }) => output));
  const seen = graph.outputs.filter((id) => !hidden.has(valueById(graph, id).name));
  const bounds = boundsOf(graph, arithmetic, seen);
  const fused = await compareRuns(artifact, bounds, reference, bound);
  let result = judged(reference, fused.outputs, reference.engine);
  if (result.status === "FAIL" && arithmetic === "integer") {
    // Kernels that ONNX Runtime fuses of integer operators round otherwise than the operators do.
    const { outputs } = await compareRuns(artifact, bounds, reference, bound, { fused: false });
    const unfused = judged(reference, outputs, `${reference.engine}, against ONNX Runtime without fusion`);
    if (unfused.status === "ok") result = unfused;
  }
  return result;
}

function judged(reference: Reference, outputs: readonly ComparedOutput[], engine: string): Result {
  const worst = outputs.reduce((a, b) => (excess(b) > excess(a) ? b : a));
  const { name, unit, limit, within, note } = worst;
  const value = amountOf(worst);
  return {
    status: within ? "ok" : "FAIL",
    // Scales are float32: whole steps come out as 1.0000001.
    difference: { value: unit === "steps" ? Math.round(value * 1e4) / 1e4 : value, unit, limit, output: name },
    engine,
    sizes: sizesText(reference.inputs, reference.shapes),
    detail: within ? "" : `output "${name}" ${note ?? `differs by more than ${limit} (${unit})`}`,
  };
}

function amountOf({ unit, steps, absolute, relative }: ComparedOutput): number {
  return unit === "steps" ? (steps ?? absolute) : unit === "exact" ? absolute : relative;
}

/** How far beyond its limit a difference is; exact ones weigh most. */
function excess(output: ComparedOutput): number {
  return amountOf(output) / Math.max(output.limit, 1e-12);
}
