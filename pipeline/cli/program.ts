import { Command, type CommanderError, InvalidArgumentError, Option } from "commander";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { CRITERIA, MASK_CRITERIA } from "../../src/prune/index.ts";
import { TARGETS } from "../../targets/index.ts";
import { VERSION } from "../version.ts";
import { runDeploy } from "./deploy-command.ts";
import { UsageExit } from "./failure.ts";
import { groupsCommand } from "./groups-command.ts";
import { printProfiles, printTargets } from "./list-commands.ts";
import { convertCommand, inspectCommand } from "./model-commands.ts";
import type { Outcome } from "./outcome.ts";
import { pruneCommand } from "./prune-command.ts";
import { parseQuantity, type QuantityKind } from "./quantity.ts";
import { sparsifyCommand } from "./sparsify-command.ts";
import { evaluateCommand, finetuneCommand, trainCommand } from "./training-commands.ts";

/** A parser of option values whose error is commander's own, so that usage errors look alike. */
function quantity(flag: string, kind: QuantityKind): (text: string) => number {
  return (text) => {
    try {
      return parseQuantity(flag, text, kind);
    } catch (error) {
      if (error instanceof EspalierError) throw new InvalidArgumentError(error.hint ?? error.message);
      throw error;
    }
  };
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    return Number(text);
  };
}

function decimal(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("It must be a number from 0 on.");
  return Number(text);
}

const EXAMPLES = `
Examples:
  # the example model of the target, with the target's budget
  $ espalier deploy --target ampere
  # your own model on a microcontroller, in a memory budget
  $ espalier deploy --target mcu --profile stm32l4r5 --model kws.onnx --data clips/ --ram 64KiB --flash 256KiB
  # release artifacts for a phone, at most 1 point less accurate
  $ espalier deploy --target npu --profile hexagon-8elite --max-accuracy-drop 1
  # a gate in CI: exit code 0 if every requirement holds, 2 if one does not
  $ espalier deploy --target cpu --quiet --json > report.json
  # what a model is, and what the targets would refuse
  $ espalier inspect model.tflite
  # what can be cut together, and what is frozen and why
  $ espalier groups model.onnx
  # another format, verified in its runtime
  $ espalier convert model.onnx model.tflite
  # train, fine-tune, judge
  $ espalier train resnet8 --data photos/ --epochs 20
  $ espalier finetune model.onnx --data photos/
  $ espalier evaluate model.tflite --data photos/
  # the devices that are known
  $ espalier profiles

Exit codes:
  0  every requirement holds
  2  a requirement does not hold, or no candidate meets the budget
  1  an error of use or input
`;

function deployCommand(outcome: Outcome): Command {
  const command = new Command("deploy").description(
    "Prune, fine-tune, quantise, emit and verify a model for a device, and write the compliance report.",
  );
  command
    .usage("--target <name> [options]")
    .showHelpAfterError("(espalier deploy --help lists the flags)")
    .option("--target <name>", `way of deploying: ${Object.keys(TARGETS).join(", ")}`)
    .optionsGroup("Common options:")
    .option("--model <file>", "trained model: ONNX, TFLite or TensorFlow.js (default: the target's example)")
    .option("--data <dir>", "labelled samples: IDX files, or a folder of class folders with PNG or JPEG images")
    .option("--profile <name>", "device profile, a name or a JSON file (see `espalier profiles`)")
    .option("--out <dir>", "run directory; an interrupted run in it is resumed (default: runs/<target>)")
    .option("--seed <n>", "same seed, same bytes (default: 1)", wholeNumber(0))
    .optionsGroup("Budget:")
    .option("--latency <time>", "most latency, such as 4ms", quantity("--latency", "milliseconds"))
    .option("--flash <bytes>", "most flash or file size, such as 256KiB", quantity("--flash", "bytes"))
    .option("--ram <bytes>", "most working memory, such as 64KiB", quantity("--ram", "bytes"))
    .option("--macs <count>", "most multiply-accumulates, such as 5M", quantity("--macs", "count"))
    .option(
      "--max-accuracy-drop <points>",
      "most accuracy lost, in percentage points (default: 1.5)",
      quantity("--max-accuracy-drop", "points"),
    )
    .optionsGroup("Advanced options:")
    .option("--epochs <n>", "fine-tuning epochs; 0 for none, fractions allowed", decimal)
    .option("--qat <n>", "epochs of quantisation-aware training for int8, fractions allowed (default: 0)", decimal)
    .addOption(new Option("--criterion <name>", "importance of a unit").choices(Object.keys(CRITERIA)))
    .option("--granularity <words>", "what is cut: channels, heads, blocks, or all; several with commas")
    .addOption(
      new Option("--sparsity-criterion <name>", "which weights become zero, ampere only (default: magnitude)").choices(
        MASK_CRITERIA,
      ),
    )
    .option(
      "--test-samples <n>",
      "judge accuracy on the first n test samples only (the report says so)",
      wholeNumber(1),
    )
    .optionsGroup("Output:")
    .option("--json", "print report.json on standard output instead of the summary")
    .option("--quiet", "no progress on standard error")
    .option("--debug", "stack traces with errors")
    .addHelpText("after", EXAMPLES)
    .action(async (options) => {
      // Not commander's own check, which would come before that for unknown flags and hide a misspelt --target.
      if (options.target === undefined)
        throw new EspalierError("usage", "--target is missing", { hint: `Known: ${Object.keys(TARGETS).join(", ")}.` });
      outcome.exitCode = await runDeploy(options);
    });
  return command;
}

/** The command line; `outcome` receives the exit code. Usage errors end as UsageExit after commander has printed them. */
export function buildProgram(outcome: Outcome): Command {
  const program = new Command("espalier");
  program
    .description("Fits a trained model to a device: prunes, fine-tunes, quantises, emits, runs it, and proves it.")
    .version(VERSION, "--version", "print the version")
    .showSuggestionAfterError(true)
    .showHelpAfterError("(espalier --help shows what is known)")
    .addHelpText("after", EXAMPLES);
  program.addCommand(deployCommand(outcome));
  program.addCommand(inspectCommand());
  program.addCommand(groupsCommand());
  program.addCommand(pruneCommand(outcome));
  program.addCommand(sparsifyCommand());
  program.addCommand(convertCommand(outcome));
  program.addCommand(trainCommand(outcome));
  program.addCommand(finetuneCommand(outcome));
  program.addCommand(evaluateCommand());
  program
    .command("targets")
    .description("List the ways of deploying.")
    .option("--json", "as JSON")
    .action(printTargets);
  program
    .command("profiles")
    .description("List the device profiles.")
    .option("--json", "as JSON")
    .action(printProfiles);
  program.command("help [command]", { hidden: true });
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error: CommanderError) => {
      // 0 for help and version that were asked for, otherwise 1.
      throw new UsageExit(error.exitCode);
    });
  }
  return program;
}
