import { Command, InvalidArgumentError, Option } from "commander";
import { ARCHITECTURES } from "../../src/architectures/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { SCHEDULES } from "../training/schedule.ts";
import type { TrainRequest } from "../training/train-model.ts";
import { type EvaluateCommandOptions, runEvaluate } from "./evaluate-command.ts";
import { collect } from "./input-flag.ts";
import type { Outcome } from "./outcome.ts";
import { runTrain, type TrainCommandOptions } from "./train-command.ts";

const EXIT_CODES = `
Exit codes:
  0    written
  130  stopped by Ctrl-C: a checkpoint is left, --resume goes on from it
  1    an error of use or input
`;

const TRAIN_EXAMPLES = `
Examples:
  # an architecture of Espalier, as large as the images and classes of the data
  $ espalier train resnet8 --data cifar-10-batches-bin/ --epochs 30 --augment flip,shift:4
  # a model of your own, from new weights
  $ espalier train model.onnx --data photos/ --optimiser adamw --schedule one-cycle --ema 0.999
${EXIT_CODES}`;

const FINETUNE_EXAMPLES = `
Examples:
  $ espalier finetune model.onnx --data photos/
  # only the last layer
  $ espalier finetune model.onnx --data photos/ --freeze 'block*' --freeze 'stem*'
  # towards a larger model
  $ espalier finetune small.onnx --data photos/ --teacher large.onnx --temperature 4
  # low-rank adapters, fused into the weights afterwards
  $ espalier finetune vit.onnx --data photos/ --lora 8
${EXIT_CODES}`;

const EVALUATE_EXAMPLES = `
Examples:
  $ espalier evaluate model.onnx --data photos/
  # the artifact itself, in LiteRT
  $ espalier evaluate runs/npu/model.int8.tflite --data photos/ --samples 500
  $ espalier evaluate model.onnx --data photos/ --json | jq .accuracy
`;

const DATA_HELP = "labelled samples: class folders, IDX, NumPy, CIFAR or CSV files, or an ES module";

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    return Number(text);
  };
}

/** A number above `least`, or from it on with `orEqual`, below `below`. */
function number(limits: { readonly orZero?: boolean; readonly below?: number }): (text: string) => number {
  const { orZero = false, below = Number.POSITIVE_INFINITY } = limits;
  return (text) => {
    const value = /^\d*\.?\d+(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value < below && (value > 0 || (orZero && value === 0))))
      throw new InvalidArgumentError(
        `It must be a number ${orZero ? "from 0 on" : "above 0"}${below === Number.POSITIVE_INFINITY ? "" : ` and below ${below}`}.`,
      );
    return value;
  };
}

/** The flags that `train` and `finetune` share. */
function withTrainingFlags(command: Command, from: TrainRequest["from"]): Command {
  const scratch = from === "scratch";
  return command
    .option("--data <dir>", DATA_HELP)
    .option("--out <file>", `ONNX file to write (default: NAME.${scratch ? "trained" : "tuned"}.onnx)`)
    .option("--force", "replace the output if it exists")
    .option("--resume", "go on with the run that was stopped")
    .optionsGroup("Training:")
    .option("--epochs <n>", `passes over the data, fractions allowed (default: ${scratch ? 10 : 3})`, number({}))
    .option("--batch <n>", "samples a step (default: 64)", wholeNumber(1))
    .option("--accumulate <n>", "batches whose gradients make one update (default: 1)", wholeNumber(1))
    .option(
      "--rate <x>",
      `peak learning rate (default: ${scratch ? "0.05, Adam 0.002" : "0.005, Adam 0.0002"})`,
      number({}),
    )
    .addOption(new Option("--optimiser <name>", "default: sgd").choices(["sgd", "adam", "adamw"]))
    .addOption(new Option("--schedule <name>", "course of the rate (default: cosine)").choices(SCHEDULES))
    .option("--weight-decay <x>", "of weights, not of biases and norms", number({ orZero: true }))
    .option("--seed <n>", "same seed, same bytes (default: 1)", wholeNumber(0))
    .option("--early-stop <n>", "end after n epochs without a better one", wholeNumber(1))
    .optionsGroup("Regularisation:")
    .option("--augment <list>", "flip, shift:PIXELS, cutout:SIDE, mixup:ALPHA, separated by commas")
    .option("--label-smoothing <x>", "share of a target that all classes split", number({ orZero: true, below: 1 }))
    .option("--ema <decay>", "deliver a moving average of the weights", number({ orZero: true, below: 1 }))
    .option("--clip <norm>", "most that the norm of all gradients may be", number({}))
    .option("--freeze <pattern>", "weights that stay, by name; * is any text; may be repeated", collect)
    .optionsGroup("Distillation:")
    .option("--teacher <model>", "trained model whose scores are imitated")
    .option("--teacher-weight <x>", "its share of the loss (default: 0.5)", number({ orZero: true, below: 1.0000001 }))
    .option("--temperature <x>", "how soft scores are compared (default: 2)", number({}))
    .option("--no-labels", `learn from the teacher alone${scratch ? "" : " (default: the model as it was)"}`);
}

function withOutputFlags(command: Command, name: string, examples: string): Command {
  return command
    .optionsGroup("Output:")
    .option("--json", "one JSON object on standard output")
    .option("--quiet", "no progress on standard error")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError(`(espalier ${name} --help lists the flags)`)
    .addHelpText("after", examples);
}

/** Not commander's own check, which would hide a misspelt flag behind the missing one. */
function withData<T extends { readonly data?: string }>(options: T): T & { readonly data: string } {
  if (options.data === undefined)
    throw new EspalierError("usage", "--data is missing", {
      hint: "Give the folder of the labelled samples: --data DIR.",
    });
  return options as T & { readonly data: string };
}

/** `espalier train`; `outcome` receives the exit code. */
export function trainCommand(outcome: Outcome): Command {
  const command = new Command("train")
    .description("Train a classifier from new weights.")
    .argument("<model>", `architecture (${Object.keys(ARCHITECTURES).join(", ")}) or model file`);
  return withOutputFlags(withTrainingFlags(command, "scratch"), "train", TRAIN_EXAMPLES).action(
    async (model: string, options: TrainCommandOptions) => {
      outcome.exitCode = await runTrain("scratch", model, withData(options));
    },
  );
}

/** `espalier finetune`; `outcome` receives the exit code. */
export function finetuneCommand(outcome: Outcome): Command {
  const command = new Command("finetune")
    .description("Fine-tune a trained classifier.")
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder");
  const flagged = withTrainingFlags(command, "model").option(
    "--lora <rank>",
    "train low-rank adapters only, fused afterwards",
    wholeNumber(1),
  );
  return withOutputFlags(flagged, "finetune", FINETUNE_EXAMPLES).action(
    async (model: string, options: TrainCommandOptions) => {
      outcome.exitCode = await runTrain("model", model, withData(options));
    },
  );
}

/** `espalier evaluate`. */
export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description("Judge a classifier on the test split, in the runtime that it was made for.")
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .option("--data <dir>", DATA_HELP)
    .option("--samples <n>", "first n samples of the test split only", wholeNumber(1));
  return withOutputFlags(command, "evaluate", EVALUATE_EXAMPLES).action(
    (model: string, options: EvaluateCommandOptions) => runEvaluate(model, withData(options)),
  );
}
