import { consumers, type Graph, type Node, shapeText, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { definePass } from "../rewrite/index.ts";
import { permOf } from "./layout/problem.ts";

/** Metadata key: the names of inputs that take channels first although the file they came from took them last, as a JSON list. */
export const CHANNELS_FIRST_INPUTS = "espalier.channels-first-inputs";

/** Whether a permutation moves the last axis behind the first: [0, 3, 1, 2]. */
function isChannelsFirst(perm: readonly number[]): boolean {
  return perm.length >= 3 && perm.every((axis, i) => axis === (i === 0 ? 0 : i === 1 ? perm.length - 1 : i - 1));
}

/** Whether a node does nothing but bring the channels of an image forward; of a single channel, a Reshape does that too. */
function bringsChannelsForward(graph: Graph, node: Node): boolean {
  if (node.op === "Transpose") return isChannelsFirst(permOf(graph, node));
  const [from, to] = [node.inputs[0]!, node.outputs[0]!].map((id) => valueById(graph, id).type.shape);
  const isImage = node.op === "Reshape" && from!.length === 4 && from![3] === 1;
  return isImage && shapeText(to!) === shapeText([from![0]!, 1, from![1]!, from![2]!]);
}

function withChannelsFirst(graph: Graph): Graph {
  const readers = consumers(graph);
  const edit = editGraph(graph);
  const changed: string[] = [];
  for (const id of graph.inputs) {
    const [transpose, other] = readers.get(id) ?? [];
    if (transpose === undefined || other !== undefined || graph.outputs.includes(id)) continue;
    const from = transpose.outputs[0]!;
    if (!bringsChannelsForward(graph, transpose) || graph.outputs.includes(from)) continue;
    edit.removeNode(transpose);
    edit.replaceUses(from, id);
    edit.setInputType(id, valueById(graph, from).type);
    changed.push(valueById(graph, id).name);
  }
  if (changed.length === 0) return graph;
  const known = JSON.parse(graph.metadata[CHANNELS_FIRST_INPUTS] ?? "[]") as string[];
  edit.setMetadata({ ...graph.metadata, [CHANNELS_FIRST_INPUTS]: JSON.stringify([...known, ...changed]) });
  return edit.build();
}

/** The pass that turns image inputs [N, H, W, C] into [N, C, H, W]; metadata names those that it turned. */
export const channelsFirstInputs = definePass({
  name: "channels-first-inputs",
  summary: "Gives image inputs that are only transposed to channels-first order that order in the first place.",
  details: `The input keeps its name and changes its shape, [N, H, W, C] to [N, C, H, W]: whoever runs the model transposes its images instead. The names are recorded in the metadata under "espalier.channels-first-inputs". Run cancel-transposes first, which brings the Transpose to the input; outputs stay as they are, bit for bit.`,
  example: {
    before: `graph "g" {
  input %"x": float32[N, 4, 4, 1]
  %"a": float32[N, 1, 4, 4] = Transpose(%"x") {perm=[0, 3, 1, 2]} @"to-nchw"
  const %"w" = float32[2, 1, 1, 1] {1, 2}
  %"y": float32[N, 2, 4, 4] = Conv(%"a", %"w") @"conv"
  return %"y"
}
`,
    after: `graph "g" {
  meta "espalier.channels-first-inputs" = "[\\"x\\"]"
  input %"x": float32[N, 1, 4, 4]
  const %"w" = float32[2, 1, 1, 1] {1, 2}
  %"y": float32[N, 2, 4, 4] = Conv(%"x", %"w") @"conv"
  return %"y"
}
`,
  },
  transform: withChannelsFirst,
});
