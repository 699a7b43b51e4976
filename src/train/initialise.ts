import { type Graph, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { allocate, float32, seededRandom, type Tensor, tensor } from "../tensor/index.ts";
import { trainables } from "./trainables.ts";

/** The operator and input place that reads a constant first. */
interface Use {
  readonly op: string;
  readonly at: number;
  /** Whether a Gemm takes its weight as [out, in]. */
  readonly transposed: boolean;
}

/** What a constant that is not a weight starts as: scales and gains 1, slopes 0.25 (He et al. 2015), shifts and biases 0, running variances 1. */
function startOf({ op, at }: Use): number {
  if (op === "PRelu") return 0.25;
  if (op === "Mul") return 1;
  if (op === "BatchNormalization") return at === 1 || at === 4 ? 1 : 0;
  return op.endsWith("Normalization") && at === 1 ? 1 : 0;
}

/** Inputs that one output of a weight sums over. */
function fanIn(shape: readonly number[], { op, at, transposed }: Use): number {
  const whole = shape.reduce((a, b) => a * b, 1);
  if (op === "Conv") return whole / shape[0]!;
  if (op === "ConvTranspose") return whole / Math.max(1, shape[1]!);
  if (op === "LSTM" || op === "GRU" || op === "RNN") return shape.at(-1)!;
  if (op === "Gemm") return at === 1 ? shape[transposed ? 1 : 0]! : shape[transposed ? 0 : 1]!;
  return at === 1 ? shape.at(-2)! : shape.at(-1)!;
}

/**
 * The graph with new seeded values of everything that training changes: He's normal initialisation for weights (variance 2 / fan-in, He et al. 2015),
 * fixed values for the rest. Running statistics start as those of a standard normal input.
 */
export function initialised(graph: Graph, seed: number): Graph {
  const builder = editGraph(graph);
  const uses = new Map<number, Use>();
  for (const node of graph.nodes)
    node.inputs.forEach((id, at) => {
      if (id !== null && !uses.has(id))
        uses.set(id, { op: node.op, at, transposed: node.attrs[at === 0 ? "transA" : "transB"] === 1 });
    });
  const fill = (id: number, value: number) => {
    const { shape } = valueById(graph, id).data!;
    const data = allocate(
      "float32",
      shape.reduce((a, b) => a * b, 1),
    ).fill(value);
    builder.setConstant(id, tensor("float32", shape, data));
  };
  for (const { id, decays } of trainables(graph)) {
    const use = uses.get(id)!;
    if (decays) builder.setConstant(id, drawn(valueById(graph, id).name, valueById(graph, id).data!.shape, use, seed));
    else fill(id, startOf(use));
  }
  for (const node of graph.nodes)
    if (node.op === "BatchNormalization")
      for (const at of [3, 4]) {
        const id = node.inputs[at]!;
        if (valueById(graph, id).data?.dtype === "float32") fill(id, startOf({ op: node.op, at, transposed: false }));
      }
  return builder.build();
}

function drawn(name: string, shape: readonly number[], use: Use, seed: number): Tensor<"float32"> {
  const random = seededRandom(seed, `initial/${name}`);
  const deviation = Math.sqrt(2 / Math.max(1, fanIn(shape, use)));
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, () => deviation * random.normal()),
  );
}
