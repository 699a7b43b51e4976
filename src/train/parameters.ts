import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, producers, shapeText, typeText, type ValueId, valueById } from "../ir/index.ts";
import { specOf } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** Which inputs of an operator are learned when they are constants, and which of those weight decay pulls at. */
interface Learned {
  readonly at: readonly number[];
  readonly decays: readonly number[];
}

const LEARNED: Readonly<Record<string, Learned>> = {
  Conv: { at: [1, 2], decays: [1] },
  ConvTranspose: { at: [1, 2], decays: [1] },
  Gemm: { at: [0, 1, 2], decays: [0, 1] },
  MatMul: { at: [0, 1], decays: [0, 1] },
  BatchNormalization: { at: [1, 2], decays: [] },
  InstanceNormalization: { at: [1, 2], decays: [] },
  LayerNormalization: { at: [1, 2], decays: [] },
  PRelu: { at: [1], decays: [] },
  LSTM: { at: [1, 2, 3], decays: [1, 2] },
  GRU: { at: [1, 2, 3], decays: [1, 2] },
  RNN: { at: [1, 2, 3], decays: [1, 2] },
};

/** Operators after which the Add of a constant is a bias. */
const BIASED = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** A constant that training may change. */
export interface TrainableConstant {
  readonly id: ValueId;
  /** Whether weight decay pulls at it: weights of contractions, not biases, slopes, scales and shifts of normalisations. */
  readonly decays: boolean;
}

/** The float32 constants that training may change, in graph order; one that is used in several ways decays only if all of them do. */
export function trainables(graph: Graph): TrainableConstant[] {
  const producer = producers(graph);
  const found = new Map<ValueId, boolean>();
  const add = (id: ValueId | null | undefined, decays: boolean) => {
    if (id === undefined || id === null || valueById(graph, id).data?.dtype !== "float32") return;
    found.set(id, (found.get(id) ?? true) && decays);
  };
  for (const node of graph.nodes) {
    if (node.op === "Add") {
      for (const i of [0, 1])
        if (BIASED.has(producer.get(node.inputs[1 - i]!)?.op ?? "")) add(node.inputs[i], false);
      continue;
    }
    const learned = LEARNED[node.op];
    // What has no gradient cannot be learned; the layers after it still can.
    if (learned === undefined || typeof specOf(node.op).gradient !== "function") continue;
    for (const i of learned.at) {
      const id = node.inputs[i];
      const rank = id === undefined || id === null ? 0 : valueById(graph, id).type.shape.length;
      add(id, learned.decays.includes(i) && rank > 1);
    }
  }
  return [...found].map(([id, decays]) => ({ id, decays }));
}

/** Ids of the float32 constants that training may change: weights, biases, slopes, scales and shifts of normalisations. In graph order. */
export function trainableConstants(graph: Graph): ValueId[] {
  return trainables(graph).map(({ id }) => id);
}

/** A tensor that the optimiser moves. */
export interface Parameter {
  /** The constant of the original graph that it stands for; null for one that only training has. */
  readonly constant: ValueId | null;
  readonly name: string;
  /** The graph input that carries it. */
  readonly input: ValueId;
  readonly initial: Tensor<"float32">;
  readonly decays: boolean;
}

/** Which parameters a training run changes, and how far. */
export interface ParameterChoice {
  /** 0/1 tensors by weight name, multiplied into the weight at the start and after each update. */
  readonly masks?: ReadonlyMap<string, Tensor>;
  /** Names of constants that stay as they are; a batch normalisation whose scale and shift both stay keeps its inference form. */
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

/** Trainable constants become inputs; refuses masks that fit none of them, and a graph in which nothing is left to train. */
export function openParameters(builder: GraphBuilder, graph: Graph, choice: ParameterChoice): Parameter[] {
  const all = trainables(graph);
  checkMasks(graph, new Map(all.map(({ id }) => [valueById(graph, id).name, id])), choice);
  const parameters = all.flatMap(({ id, decays }): Parameter[] => {
    const { name, type, data } = valueById(graph, id);
    if (choice.frozen?.has(name)) return [];
    const input = builder.input(name, type);
    builder.replaceUses(id, input);
    return [{ constant: id, name, input, initial: data as Tensor<"float32">, decays }];
  });
  if (parameters.length === 0)
    throw new EspalierError(
      "usage",
      "There is nothing to train: the graph has no float32 weights that are not frozen",
      { where: `graph "${graph.name}"` },
    );
  return parameters;
}
