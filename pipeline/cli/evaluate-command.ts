import { evaluateModel } from "../evaluate/evaluate-model.ts";
import { renderEvaluation } from "../evaluate/render.ts";
import { silent } from "../progress.ts";
import { progressFor } from "./progress.ts";

/** The options of `evaluate` as commander gives them. */
export interface EvaluateCommandOptions {
  readonly data: string;
  readonly samples?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Judges a model on the test split and prints the result, as text or as one JSON object. */
export async function runEvaluate(model: string, options: EvaluateCommandOptions): Promise<void> {
  const { json, quiet, ...rest } = options;
  const progress = quiet === true ? silent : progressFor(process.stderr);
  try {
    const evaluation = await evaluateModel({ model, ...rest }, (done, total) => progress.step(done, total));
    progress.end();
    process.stdout.write(json === true ? `${JSON.stringify(evaluation, null, 2)}\n` : renderEvaluation(evaluation));
  } finally {
    progress.end();
  }
}
