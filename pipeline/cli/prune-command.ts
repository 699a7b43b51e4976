import { Command, InvalidArgumentError, Option } from "commander";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { CRITERIA, PRUNING_METHODS, RECOVERY_METHODS } from "../../src/prune/index.ts";
import { silent } from "../progress.ts";
import { pruneModel } from "../prune-model/prune-model.ts";
import type { PruneRequest } from "../prune-model/request.ts";
import { renderPruning } from "../prune-model/result.ts";
import { wholeNumber } from "./count-flag.ts";
import { collect, INPUT_HELP, parseInputs } from "./input-flag.ts";
import type { Outcome } from "./outcome.ts";
import { progressFor } from "./progress.ts";
import { parseQuantity } from "./quantity.ts";
import { untilInterrupted } from "./until-interrupted.ts";

const EXAMPLES = `
Examples:
  # half of the multiply-accumulates, by weights alone
  $ espalier prune model.onnx --keep-macs 0.5
  # judged by samples, refitted without labels
  $ espalier prune model.onnx --keep-macs 0.5 --data photos/ --criterion group-fisher
  # in rounds, while it is trained
  $ espalier prune model.onnx --macs 5M --data photos/ --method gradual --epochs 5
  $ espalier prune model.onnx --keep 0.7 --json | jq .after

Exit codes:
  0    written and verified
  2    the groups do not allow it: nothing is written
  130  stopped by Ctrl-C: nothing is written
  1    an error of use or input
`;

/** The options of `prune` as commander gives them. */
interface PruneCommandOptions extends Omit<PruneRequest, "model" | "inputShapes" | "inputValues"> {
  readonly input?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const INTERRUPTED = 130;

function share(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("It must be a share above 0 and at most 1.");
  return value;
}

function positive(text: string): number {
  const value = /^\d*\.?\d+(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

function macs(text: string): number {
  try {
    return parseQuantity("--macs", text, "count");
  } catch (error) {
    if (error instanceof EspalierError) throw new InvalidArgumentError(error.hint ?? error.message);
    throw error;
  }
}

/** Prunes and prints what came of it; answers the exit code (0, or 130 when it was stopped). */
async function runPrune(model: string, options: PruneCommandOptions): Promise<number> {
  const { input = [], json, quiet, ...rest } = options;
  const progress = quiet === true ? silent : progressFor(process.stderr);
  try {
    const request = { ...rest, ...parseInputs(input), model };
    const pruning = await untilInterrupted((signal) => pruneModel(request, progress, signal));
    progress.end();
    if (pruning === null) {
      process.stderr.write("stopped; nothing was written\n");
      return INTERRUPTED;
    }
    process.stdout.write(json === true ? `${JSON.stringify(pruning, null, 2)}\n` : renderPruning(pruning));
    return 0;
  } finally {
    progress.end();
  }
}

/** `espalier prune`; `outcome` receives the exit code. */
export function pruneCommand(outcome: Outcome): Command {
  return new Command("prune")
    .description("Cut units out of a model, prove the cut, recover, and write the smaller model.")
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .option("--out <file>", "file to write, .onnx or .tflite (default: NAME.pruned.onnx)")
    .option("--force", "replace the output if it exists")
    .option("--data <dir>", "labelled samples: class folders, IDX, NumPy, CIFAR or CSV files, or an ES module")
    .option("--input <spec>", INPUT_HELP, collect)
    .option("--seed <n>", "same seed, same bytes (default: 1)", wholeNumber)
    .optionsGroup("How much stays (one of them):")
    .option("--keep <share>", "share of all units", share)
    .option("--keep-macs <share>", "share of the multiply-accumulates", share)
    .option("--macs <count>", "most multiply-accumulates, such as 5M", macs)
    .optionsGroup("Which units:")
    .addOption(new Option("--criterion <name>", "importance of a unit (default: l1)").choices(Object.keys(CRITERIA)))
    .addOption(
      new Option("--scope <name>", "all groups compared, or the same share of each (default: global)").choices([
        "global",
        "local",
      ]),
    )
    .addOption(
      new Option("--reduction <name>", "of a unit's scores in its weights (default: mean)").choices([
        "sum",
        "mean",
        "max",
      ]),
    )
    .addOption(
      new Option("--normalisation <name>", "how groups are made comparable (default: mean)").choices([
        "none",
        "mean",
        "max",
        "l2",
        "lamp",
      ]),
    )
    .addOption(
      new Option(
        "--granularity <name>",
        "channels, rows (heads, groups of a convolution) or both (default: channels)",
      ).choices(["channels", "rows", "both"]),
    )
    .option("--block <n>", "units go in neighbouring blocks of n", wholeNumber)
    .option("--align <n>", "sizes stay multiples of n", wholeNumber)
    .option("--minimum <n>", "units that every group keeps at least", wholeNumber)
    .option("--norm-statistics", "also cut widths that layer norms take statistics over: other numbers, so fine-tune")
    .optionsGroup("Recovery:")
    .addOption(new Option("--method <name>", "how units are cut (default: one-shot)").choices([...PRUNING_METHODS]))
    .addOption(
      new Option(
        "--recover <name>",
        "of a one-shot cut, without labels (default with --data: least-squares+batch-norm)",
      ).choices([...RECOVERY_METHODS]),
    )
    .option("--epochs <n>", "passes over the samples, fractions allowed (default: 0 for one-shot, else 1)", positive)
    .option("--batch <n>", "samples a step (default: 64)", wholeNumber)
    .option("--rate <x>", "peak learning rate (default: 0.01)", positive)
    .optionsGroup("Output:")
    .option("--json", "one JSON object on standard output")
    .option("--quiet", "no progress on standard error")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError("(espalier prune --help lists the flags)")
    .addHelpText("after", EXAMPLES)
    .action(async (model: string, options: PruneCommandOptions) => {
      outcome.exitCode = await runPrune(model, options);
    });
}
