import { EspalierError, withContext } from "../../src/diagnostics/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { type Cut, cutGraph, granularityOf, type PruneGroups } from "../../src/prune/index.ts";
import { evaluate } from "../../src/train/index.ts";
import { parametersOf, totalMacs } from "../../targets/index.ts";
import { checkDestination } from "../convert/destination.ts";
import type { Progress } from "../progress.ts";
import { runPlain } from "../proving/inputs.ts";
import { proveOne } from "../proving/prove-cuts.ts";
import { cutModel } from "./cut-model.ts";
import { proofInputs } from "./proof-inputs.ts";
import { type PruneRequest, planOf } from "./request.ts";
import type { Pruning, Side } from "./result.ts";
import { type Samples, startingModel } from "./starting-model.ts";
import { writeVerified } from "./write-verified.ts";

async function sideOf(graph: Graph, samples: Samples | null): Promise<Side> {
  const accuracy = samples === null ? null : (await evaluate(graph, samples.test)).accuracy;
  return { macs: totalMacs(graph), parameters: parametersOf(graph), accuracy };
}

function keptUnits(graph: Graph, groups: PruneGroups, cut: Cut): Pruning["groups"] {
  const gone = new Set([...cut].flatMap((id) => positionsOf(groups, id)));
  return groups.groups.map((group) => ({
    name: group.name,
    kind: group.kind,
    unit: granularityOf(graph, groups, group),
    units: group.size,
    // A channel goes with its row, and a row when all its channels are gone.
    kept: group.units.filter(({ id }) => !positionsOf(groups, id).every((position) => gone.has(position))).length,
  }));
}

/** The positions of weights that a unit holds, as texts. */
function positionsOf(groups: PruneGroups, id: number): string[] {
  return groups.units[id]!.slices.flatMap(({ value, axes, positions }) =>
    positions.map((position) => `${value}/${axes.join()}/${position}`),
  );
}

/**
 * Cuts units out of a model, proves the cut, recovers what it can, and writes the result as ONNX or TFLite after a run in that format's runtime.
 * Nothing is written when the proof or that run fails.
 * @throws EspalierError "budget" when the groups do not allow what was asked; "usage", "input", "unsupported" for what does not fit.
 */
export async function pruneModel(request: PruneRequest, progress: Progress, signal: AbortSignal): Promise<Pruning> {
  const plan = planOf(request);
  const start = await startingModel(request);
  const { file, graph, samples } = start;
  const { out = `${file.name}.pruned.onnx`, force = false } = request;
  const destination = await checkDestination({ from: request.model, to: out, force });
  const before = await sideOf(graph, samples);
  try {
    const { groups, cut, whole, graph: small, layers } = await cutModel(start, plan, request, progress, signal);
    const { feeds, count } = await proofInputs(graph, samples);
    const original = await runPlain(whole, feeds);
    const proof = await proveOne({ graph: whole, groups, inputs: feeds, original }, cut);
    if (!proof.pass)
      throw new EspalierError(
        "internal",
        `internal: the masked original and the cut graph differ by ${proof.maxAbs}, more than ${proof.tolerance}`,
      );
    const bare = cut.size === 0 ? whole : cutGraph(whole, groups, cut);
    const written = await writeVerified(small, file.name, destination, await proofInputs(graph, samples, 1));
    if (!written.verified)
      throw new EspalierError("runtime", `${written.file} computes something else than the graph: it was not written`, {
        hint: "Try the other format, .onnx or .tflite.",
      });
    const { outputs, notes, verified: _, ...facts } = written;
    return {
      schema: 1,
      model: request.model,
      sha256: file.sha256,
      out: facts,
      criterion: plan.criterion,
      method: plan.method,
      recovery: plan.recovery,
      data:
        samples === null
          ? null
          : {
              name: samples.name,
              train: samples.train.length,
              heldOut: samples.heldOut.length,
              test: samples.test.length,
            },
      before,
      cut: await sideOf(bare, samples),
      after: await sideOf(small, samples),
      groups: keptUnits(whole, groups, cut),
      layers,
      proof: {
        difference: proof.maxAbs,
        tolerance: proof.tolerance,
        effect: proof.effect,
        samples: count,
        rounded: proof.rounded,
      },
      outputs,
      notes,
    };
  } catch (error) {
    throw withContext(error, request.model);
  }
}
