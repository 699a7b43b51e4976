import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, producers, shapeText, typeText, type ValueId, valueById } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** Which inputs of an operator are learned when they are constants. */
const LEARNED: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  BatchNormalization: [1, 2],
  PRelu: [1],
};

/** Operators after which the Add of a constant is a bias. */
const BIASED = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** Ids of the float32 constants that training may change: weights, biases, slopes, scales and shifts of normalisations. In graph order. */
export function trainableConstants(graph: Graph): ValueId[] {
  const producer = producers(graph);
  const found = new Set<ValueId>();
  for (const node of graph.nodes) {
    const positions = LEARNED[node.op] ?? (node.op === "Add" ? [0, 1] : []);
    for (const i of positions) {
      const id = node.inputs[i];
      if (id === undefined || id === null) continue;
      if (node.op === "Add") {
        const other = node.inputs[1 - i]!;
        if (!BIASED.has(producer.get(other)?.op ?? "")) continue;
      }
      if (valueById(graph, id).data?.dtype === "float32") found.add(id);
    }
  }
  return [...found];
}

/** Which parameters a training run changes, and how far. */
export interface ParameterChoice {
  /** 0/1 tensors by weight name, multiplied into the weight at the start and after each update. */
  readonly masks?: ReadonlyMap<string, Tensor>;
  /** Names of constants that stay as they are. */
  readonly frozen?: ReadonlySet<string>;
}

function checkMasks(graph: Graph, trainable: ReadonlyMap<string, ValueId>, choice: ParameterChoice): void {
  const where = `graph "${graph.name}"`;
  for (const [name, mask] of choice.masks ?? []) {
    const id = trainable.get(name);
    if (id === undefined || choice.frozen?.has(name))
      throw new EspalierError("usage", `A mask is given for "${name}", which is not a trainable weight`, { where });
    const { shape } = valueById(graph, id).type;
    if (shapeText(mask.shape) !== shapeText(shape) || mask.dtype !== "float32")
      throw new EspalierError(
        "usage",
        `The mask of "${name}" is ${typeText(mask)}, the weight is float32${shapeText(shape)}`,
        { where },
      );
  }
}

/** Trainable constants become inputs; refuses masks that fit none of them. */
export function openParameters(builder: GraphBuilder, graph: Graph, choice: ParameterChoice): Map<ValueId, ValueId> {
  const trainable = trainableConstants(graph);
  checkMasks(graph, new Map(trainable.map((id) => [valueById(graph, id).name, id])), choice);
  const inputs = new Map<ValueId, ValueId>();
  for (const id of trainable) {
    const { name, type } = valueById(graph, id);
    if (choice.frozen?.has(name)) continue;
    const input = builder.input(name, type);
    builder.replaceUses(id, input);
    inputs.set(id, input);
  }
  if (inputs.size === 0)
    throw new EspalierError(
      "usage",
      "There is nothing to train: the graph has no float32 weights that are not frozen",
      {
        where: `graph "${graph.name}"`,
      },
    );
  return inputs;
}
