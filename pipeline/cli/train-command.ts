import { silent } from "../progress.ts";
import { parseAugmentation } from "../training/augmentation.ts";
import { percentText, type Training } from "../training/result.ts";
import { type TrainRequest, trainModel } from "../training/train-model.ts";
import { progressFor } from "./progress.ts";
import { untilInterrupted } from "./until-interrupted.ts";

/** The options of `train` and `finetune` as commander gives them. */
export interface TrainCommandOptions extends Omit<TrainRequest, "from" | "model" | "augment"> {
  readonly augment?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Exit code of a program that Ctrl-C ended (128 + SIGINT). */
const INTERRUPTED = 130;

/** Trains and prints what came of it; answers the exit code (0, or 130 when it was stopped and left a checkpoint). */
export async function runTrain(
  from: TrainRequest["from"],
  model: string,
  options: TrainCommandOptions,
): Promise<number> {
  const { augment, json, quiet, ...rest } = options;
  const progress = quiet === true ? silent : progressFor(process.stderr);
  const changes = augment === undefined ? {} : { augment: parseAugmentation(augment) };
  try {
    const training = await untilInterrupted((signal) =>
      trainModel({ ...rest, ...changes, from, model }, progress, signal),
    );
    progress.end();
    if (training === null) {
      process.stderr.write("stopped; the same command with --resume goes on from here to the same bytes\n");
      return INTERRUPTED;
    }
    process.stdout.write(json === true ? `${JSON.stringify(training, null, 2)}\n` : renderTraining(training));
    return 0;
  } finally {
    progress.end();
  }
}

/** What came of a training run, as text for people. */
export function renderTraining(training: Training): string {
  const { before, after, data, epochs, bestEpoch, stoppedEarly, out, bytes } = training;
  const ended = stoppedEarly ? "; ended early, held-out samples got no better" : "";
  const line = (what: string, { accuracy, loss }: Training["after"]) =>
    `  ${what} ${percentText(accuracy)}, loss ${loss.toFixed(4)}`;
  return [
    `${data.name}: ${data.train} samples, ${data.heldOut} held out`,
    `Epoch ${bestEpoch + 1} of ${epochs.length} was the best on held-out samples${ended}.`,
    `Test accuracy on ${data.test} samples:`,
    line("before", before),
    line("after ", after),
    `Written: ${out} (${bytes} bytes)`,
    "",
  ].join("\n");
}
