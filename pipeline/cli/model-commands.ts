import { Command, Option } from "commander";
import { TARGETS } from "../../targets/index.ts";
import { type ConvertOptions, runConvert } from "./convert-command.ts";
import { wholeNumber } from "./count-flag.ts";
import { collect, INPUT_HELP } from "./input-flag.ts";
import { type InspectOptions, runInspect } from "./inspect-command.ts";
import type { Outcome } from "./outcome.ts";

const INSPECT_EXAMPLES = `
Examples:
  $ espalier inspect model.onnx
  # sizes that the file leaves open, and an input bound to a constant
  $ espalier inspect vad.onnx --input input:1,512 --input sr=16000
  # what stands between a model and a microcontroller
  $ espalier inspect model.tflite --target mcu
  $ espalier inspect tfjs-folder/ --json | jq '.operators[].op'
`;

const CONVERT_EXAMPLES = `
Examples:
  $ espalier convert model.onnx model.tflite
  $ espalier convert model.tflite model.onnx
  # half the size
  $ espalier convert model.json model.tflite --quantize fp16
  # full int8, with ranges from labelled samples
  $ espalier convert model.onnx model.tflite --quantize int8 --data photos/

Exit codes:
  0  written and verified
  2  the result differs from the original by more than it may: nothing is written
  1  an error of use or input
`;

/** `espalier inspect`. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description(
      "Say what a model is: operators, parameters, MACs, memory, quantisation, and what each target would refuse.",
    )
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .option("--input <spec>", INPUT_HELP, collect)
    .addOption(new Option("--target <name>", "only this target (default: all)").choices(Object.keys(TARGETS)))
    .option("--json", "one JSON object on standard output")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError("(espalier inspect --help lists the flags)")
    .addHelpText("after", INSPECT_EXAMPLES)
    .action((model: string, options: InspectOptions) => runInspect(model, options));
}

/** `espalier convert`; `outcome` receives the exit code. */
export function convertCommand(outcome: Outcome): Command {
  return new Command("convert")
    .description("Convert a model to ONNX or TFLite, run both, and compare.")
    .argument("<in>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .argument("<out>", "file to write; its ending says the format: .onnx or .tflite")
    .option("--input <spec>", INPUT_HELP, collect)
    .addOption(
      new Option("--quantize <kind>", "how weights and activations are stored")
        .choices(["none", "fp16", "dynamic", "int8"])
        .default("none"),
    )
    .option("--data <dir>", "samples for int8 ranges and for the comparison: IDX files, or class folders with images")
    .option("--samples <n>", "samples of --data that are used (default: 256)", wholeNumber)
    .option("--force", "replace <out> if it exists")
    .option("--json", "one JSON object on standard output")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError("(espalier convert --help lists the flags)")
    .addHelpText("after", CONVERT_EXAMPLES)
    .action(async (from: string, to: string, options: ConvertOptions) => {
      outcome.exitCode = await runConvert(from, to, options);
    });
}
