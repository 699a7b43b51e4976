import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, shapeText, staticShape, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";

/** A copy of the graph with its symbolic batch bound. */
export function bindBatch(graph: Graph, batch: number): Graph {
  const builder = editGraph(graph);
  for (const id of graph.inputs) {
    const { dtype, shape } = builder.value(id).type;
    const symbol = shape.find((dim) => typeof dim === "string");
    if (symbol !== undefined) builder.setInputType(id, { dtype, shape: staticShape(shape, { [symbol]: batch }) });
    else if (shape[0] !== batch) builder.setInputType(id, { dtype, shape: [batch, ...shape.slice(1)] });
  }
  return builder.build({ reinfer: true });
}

/** `bindBatch` for training: a graph whose samples cannot be told apart at another batch than its own is refused with the reason. */
export function bindTrainingBatch(graph: Graph, batch: number): Graph {
  const own = valueById(graph, graph.inputs[0]!).type.shape[0];
  const refuse = (where: string, reason: string, cause?: unknown) =>
    new EspalierError("unsupported", `The batch of this model is fixed at ${own}, and cannot be ${batch}: ${reason}`, {
      where,
      hint: `Train with a batch of ${own} (--batch ${own}), or export the model with a dynamic batch.`,
      ...(cause === undefined ? {} : { cause }),
    });
  let bound: Graph;
  try {
    bound = bindBatch(graph, batch);
  } catch (error) {
    if (typeof own !== "number" || own === batch || !(error instanceof EspalierError)) throw error;
    throw refuse(error.where ?? `graph "${graph.name}"`, error.message, error);
  }
  if (typeof own !== "number" || own === batch) return bound;
  for (const [id, { name, type, data }] of graph.values) {
    if (data !== undefined || type.shape[0] !== own) continue;
    const now = bound.values.get(id);
    if (now === undefined) continue;
    const expected = [batch, ...type.shape.slice(1)];
    if (shapeText(now.type.shape) !== shapeText(expected) && shapeText(now.type.shape) !== shapeText(type.shape))
      throw refuse(
        `value "${name}"`,
        `its shape would be ${shapeText(now.type.shape)} instead of ${shapeText(expected)}`,
      );
  }
  for (const id of graph.outputs) {
    const { name, type } = valueById(bound, id);
    if (type.shape[0] !== batch) throw refuse(`output "${name}"`, `its shape would be ${shapeText(type.shape)}`);
  }
  return bound;
}
