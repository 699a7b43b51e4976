import { Command } from "commander";
import { writeFileAtomic } from "../../src/io/index.ts";
import { explainTensor } from "../groups/explain.ts";
import { groupsOfModel, readGroups } from "../groups/groups-of-model.ts";
import { drawGroups } from "../groups/picture/draw.ts";
import { renderGroups } from "../groups/render.ts";
import { renderExplanation } from "../groups/render-why.ts";
import { collect, INPUT_HELP, parseInputs } from "./input-flag.ts";

const EXAMPLES = `
Examples:
  # what can be cut together, what it controls, and what is frozen and why
  $ espalier groups model.onnx
  # why one weight, or one axis of it, is cut with others or not at all
  $ espalier groups model.onnx --why conv2.weight
  $ espalier groups model.onnx --why 'conv2.weight[0]'
  # a picture of layers and groups
  $ espalier groups model.onnx --svg groups.svg
  $ espalier groups model.onnx --json | jq '.groups[] | {name, units, macs}'

A group controls the MACs, parameters and bytes that go when it alone is cut to
the fewest units that must stay.
`;

/** The options of `groups` as commander gives them. */
interface GroupsOptions {
  readonly input?: readonly string[];
  readonly why?: string;
  readonly svg?: string;
  readonly json?: boolean;
}

/** Prints the groups of a model, or why a tensor is cut or not; draws them too, if asked. */
async function runGroups(file: string, options: GroupsOptions): Promise<void> {
  const model = await readGroups(file, parseInputs(options.input ?? []));
  const print = (facts: unknown, text: () => string) =>
    void process.stdout.write(options.json === true ? `${JSON.stringify(facts, null, 2)}\n` : text());
  const why = options.why === undefined ? null : explainTensor(model.graph, model.groups, options.why);
  const facts = why === null || options.svg !== undefined ? groupsOfModel(model) : null;
  if (options.svg !== undefined) await writeFileAtomic(options.svg, drawGroups(model, facts!));
  if (why !== null) print({ schema: 1, file, why }, () => renderExplanation(file, why));
  else print(facts, () => renderGroups(facts!));
}

/** `espalier groups`. */
export function groupsCommand(): Command {
  return new Command("groups")
    .description("Say what can be cut together, what it controls, and what is frozen and why.")
    .argument("<model>", "ONNX or TFLite file, model.json of TensorFlow.js, or its folder")
    .option("--input <spec>", INPUT_HELP, collect)
    .option(
      "--why <tensor>",
      "the path of one tensor, or of one axis of it (name[0]): what goes with it, or what froze it",
    )
    .option("--svg <file>", "draw layers and groups; an existing file is replaced")
    .option("--json", "one JSON object on standard output")
    .option("--debug", "stack traces with errors")
    .showHelpAfterError("(espalier groups --help lists the flags)")
    .addHelpText("after", EXAMPLES)
    .action((model: string, options: GroupsOptions) => runGroups(model, options));
}
