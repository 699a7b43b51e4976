import type { Graph } from "../../src/ir/index.ts";
import { evaluate } from "../../src/train/index.ts";
import type { ArtifactKind } from "../../targets/index.ts";
import { type ArtifactScores, largestDifference, scoreOnnx, scoreTflite } from "../artifact-scores.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import type { AccuracyFigure } from "./baseline.ts";
import type { Emitted } from "./emit.ts";

/** An artifact as it ran in its real runtime on the whole test split. */
export interface VerifiedArtifact {
  readonly file: string;
  readonly kind: ArtifactKind;
  readonly runtime: string;
  readonly accuracy: number;
  readonly n: number;
  /** Largest difference of any score from the IR's own, run in ONNX Runtime, over the whole test split. */
  readonly difference: number;
  /** Largest magnitude among the IR's scores: what a difference is to be compared with. */
  readonly scale: number;
  /** One step of the output's quantisation; null for a float artifact. */
  readonly step: number | null;
  /** Number of scores more than one step from the IR's, and number of scores; null for a float artifact. */
  readonly beyondStep: number | null;
  readonly scores: number;
}

export interface Verified {
  /** The tuned float graph on the test split. */
  readonly pruned: AccuracyFigure;
  readonly artifacts: readonly VerifiedArtifact[];
}

/** Runs each runnable artifact in its real runtime over the whole test split and compares it with the IR. */
export async function verifyStage(
  context: RunContext,
  emitted: Staged<Emitted>,
  graphs: { readonly float: Graph; readonly int8: Graph | null },
): Promise<Staged<Verified>> {
  const { data } = context;
  const runnable = emitted.json.files.filter(({ kind }) => kind !== "c");
  return runStage(context, {
    name: "verify",
    what: `${runnable.length} artifact${runnable.length === 1 ? "" : "s"} in ${runnable.length === 1 ? "its" : "their"} own runtime on ${data.test.length} test samples`,
    inputs: { emitted: emitted.key },
    compute: async () => {
      const float = await evaluate(graphs.float, data.test);
      const int8 = graphs.int8 === null ? null : await evaluate(graphs.int8, data.test);
      const artifacts: VerifiedArtifact[] = [];
      for (const [i, { file, kind }] of runnable.entries()) {
        const bytes = emitted.files[file]!;
        const progress = (done: number, total: number) =>
          context.progress.step(i * total + done, runnable.length * total, file);
        const scored = file.endsWith(".onnx")
          ? await scoreOnnx(bytes, data.test, progress)
          : await scoreTflite(bytes, data.test, progress);
        const reference = (kind.endsWith("int8") ? int8 : float)!.scores.data;
        artifacts.push({
          file,
          kind,
          runtime: scored.runtime,
          accuracy: scored.accuracy,
          n: scored.n,
          ...compare(scored, reference),
        });
      }
      return { files: {}, json: { pruned: { accuracy: float.accuracy, loss: float.loss, n: float.n }, artifacts } };
    },
    summary: ({ artifacts }) => artifacts.map((a) => `${a.file} ${(100 * a.accuracy).toFixed(2)} %`).join(", "),
  });
}

function compare(
  scored: ArtifactScores,
  reference: Float32Array,
): Pick<VerifiedArtifact, "difference" | "scale" | "step" | "beyondStep" | "scores"> {
  let scale = 0;
  for (const value of reference) scale = Math.max(scale, Math.abs(value));
  const difference = largestDifference(scored.scores, reference);
  if (scored.step === null) return { difference, scale, step: null, beyondStep: null, scores: reference.length };
  let beyond = 0;
  // Half a step more than one: scores are whole steps, so this counts those two or more steps away.
  for (let i = 0; i < reference.length; i++)
    if (Math.abs(scored.scores[i]! - reference[i]!) > 1.5 * scored.step) beyond++;
  return { difference, scale, step: scored.step, beyondStep: beyond, scores: reference.length };
}
