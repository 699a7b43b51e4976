import { Command, InvalidArgumentError, Option } from "commander";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { MASK_CRITERIA } from "../../src/prune/index.ts";
import { silent } from "../progress.ts";
import type { SparsifyRequest } from "../sparsify/request.ts";
import { renderSparsified } from "../sparsify/result.ts";
import { sparsifyModel } from "../sparsify/sparsify-model.ts";
import { wholeNumber } from "./count-flag.ts";
import { collect, parseInputs } from "./input-flag.ts";
import { progressFor } from "./progress.ts";

const EXAMPLES = `
Examples:
  # 2:4 for an Ampere GPU; the weights that stay make up for those that go
  $ espalier sparsify model.onnx --pattern 2:4 --criterion sparsegpt --data photos/
  # 70 % of single weights, wherever they matter least
  $ espalier sparsify model.onnx --pattern unstructured --sparsity 0.7 --scope global
  # blocks of 8 outputs x 4 input channels, the first layer left as it is
  $ espalier sparsify model.onnx --pattern block:8x4 --exclude 'stem*'

Zeros change no shape: a file is as large as before, and only what knows the
pattern is faster. The output says which target is.

Exit codes:
  0  written and verified
  2  no layer can hold the pattern, or the share leaves nothing of one
  1  an error of use or input
`;

/** The options of `sparsify` as commander gives them. */
interface SparsifyOptions extends Omit<SparsifyRequest, "model" | "pattern" | "inputShapes" | "inputValues"> {
  readonly pattern?: string;
  readonly input?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

function share(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("It must be a share above 0 and below 1.");
  return value;
}

async function runSparsify(model: string, options: SparsifyOptions): Promise<void> {
  const { input = [], json, quiet, pattern, ...rest } = options;
  // Not commander's own check, which would hide a misspelt flag behind the missing one.
  if (pattern === undefined)
    throw new EspalierError("usage", "--pattern is missing", {
      hint: "Give one: --pattern 2:4, unstructured, kernel, stripe, pattern or block.",
    });
  const progress = quiet === true ? silent : progressFor(process.stderr);
  try {
    const result = await sparsifyModel({ ...rest, ...parseInputs(input), pattern, model }, progress);
    progress.end();
    process.stdout.write(json === true ? `${JSON.stringify(result, finite, 2)}\n` : renderSparsified(result));
  } finally {
    progress.end();
  }
}

/** JSON has no Infinity: a difference that is none becomes null. */
function finite(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? null : value;
}

/** `espalier sparsify`. */
export function sparsifyCommand(): Command {
  return new Command("sparsify")
    .description("Set weights to zero in a pattern, and say what gains by it.")
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .option("--pattern <name>", "n:m (such as 2:4), unstructured, kernel, stripe, pattern[:COUNT], block[:RxC]")
    .option("--sparsity <share>", "zeros in each layer (default: 0.5; n:m says it itself)", share)
    .addOption(
      new Option("--scope <name>", "of unstructured: each layer by itself, or all compared (default: layer)").choices([
        "layer",
        "global",
      ]),
    )
    .addOption(
      new Option("--criterion <name>", "which weights go; all but magnitude need --data (default: magnitude)").choices(
        MASK_CRITERIA,
      ),
    )
    .option("--exclude <pattern>", "weights that stay dense, by name; * is any text; may be repeated", collect)
    .option("--data <dir>", "labelled samples: class folders, IDX, NumPy, CIFAR or CSV files, or an ES module")
    .option("--samples <n>", "samples of --data that the criterion looks at (default: 128)", wholeNumber)
    .option(
      "--input <spec>",
      "size of an input that the file leaves open, or a constant for it; may be repeated",
      collect,
    )
    .option("--out <file>", "ONNX file to write (default: NAME.sparse.onnx)")
    .option("--force", "replace the output if it exists")
    .optionsGroup("Output:")
    .option("--json", "one JSON object on standard output")
    .option("--quiet", "no progress on standard error")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError("(espalier sparsify --help lists the flags)")
    .addHelpText("after", EXAMPLES)
    .action((model: string, options: SparsifyOptions) => runSparsify(model, options));
}
