import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, shapeText, typeText, type ValueId, valueById } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { type TrainableConstant, trainables } from "./trainables.ts";

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
  /** Constants, by name, that are learned although their operators do not show it, and whether weight decay pulls at them. */
  readonly learned?: ReadonlyMap<string, { readonly decays: boolean }>;
}

/** The constants that training may change: those that their operators show, and those that the caller names. */
function allTrainables(graph: Graph, { learned }: ParameterChoice): TrainableConstant[] {
  const shown = trainables(graph);
  if (learned === undefined) return shown;
  const known = new Set(shown.map(({ id }) => id));
  const named = [...graph.values.values()].flatMap(({ id, name, data }): TrainableConstant[] => {
    const choice = learned.get(name);
    return choice === undefined || data?.dtype !== "float32" || known.has(id) ? [] : [{ id, ...choice }];
  });
  return [...shown, ...named];
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
  const all = allTrainables(graph, choice);
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
