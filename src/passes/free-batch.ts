import { EspalierError, withContext } from "../diagnostics/index.ts";
import { type Dim, type Graph, type Shape, shapeText, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { definePass, type Pass } from "../rewrite/index.ts";
import { int64s } from "../tensor/index.ts";
import { BATCH, batchOf, checkSamplesApart } from "./batch-symbol.ts";
import { spellReshape } from "./simplify-reshape.ts";

export interface FreeBatchOptions {
  /** What to do with a graph whose batch is fixed in its structure: refuse it (default), or leave it as it is with a remark in the trace. */
  readonly onFixed?: "refuse" | "keep";
}

/** A constant for Reshape that spells no batch, given the shapes at the fixed batch. */
function batchFreeShape(from: Shape, to: Shape, batch: Dim): number[] {
  const free = (shape: Shape): Shape => (shape[0] === batch ? [BATCH, ...shape.slice(1)] : shape);
  const spelled = from[0] === batch && to[0] === batch ? spellReshape(free(from), free(to)) : null;
  return spelled ?? to.map((dim) => (typeof dim === "number" ? dim : -1));
}

/** Gives the graph's inputs the symbolic batch and lets it flow; refuses a graph where it cannot. */
function freed(graph: Graph, batch: Dim): Graph {
  const edit = editGraph(graph);
  for (const id of graph.inputs) {
    const { type } = valueById(graph, id);
    edit.setInputType(id, { dtype: type.dtype, shape: [BATCH, ...type.shape.slice(1)] });
  }
  for (const node of graph.nodes) {
    if (node.op !== "Reshape") continue;
    const from = valueById(graph, node.inputs[0]!);
    const to = valueById(graph, node.outputs[0]!).type.shape;
    if (from.data !== undefined || to.includes(0)) continue;
    const shape = batchFreeShape(from.type.shape, to, batch);
    const { allowzero: _, ...attrs } = node.attrs;
    const id = edit.constant(`${node.name}.shape`, int64s(shape));
    edit.replaceNode(node, { ...node, inputs: [node.inputs[0]!, id], attrs });
  }
  const result = edit.build({ reinfer: true });
  checkSamplesApart(result);
  checkSameAt(graph, result, batch);
  return result;
}

/** At the old batch every shape is what it was: no operator may have taken the batch for something else. */
function checkSameAt(graph: Graph, result: Graph, batch: Dim): void {
  for (const node of result.nodes) {
    for (const id of node.outputs) {
      const before = shapeText(valueById(graph, id).type.shape);
      const after = shapeText(valueById(result, id).type.shape.map((dim) => (typeof dim === "string" ? batch : dim)));
      if (before !== after)
        throw new EspalierError("unsupported", `With a free batch the shape ${before} becomes ${after}`, {
          where: `node "${node.name}" (${node.op})`,
        });
    }
  }
}

/** The pass that makes a fixed batch free; see `FreeBatchOptions` for graphs where it cannot be. */
export function freeBatchWith(options: FreeBatchOptions = {}): Pass {
  return definePass({
    name: "free-batch",
    summary: 'Makes a batch that the model was exported with symbolic ("N"), so that it runs on any number of samples.',
    details:
      "The inputs must share their dimension 0; Reshape constants that spell it are respelled. A graph in which samples depend on each other, or whose outputs have no batch axis, is refused with the reason (or, on request, left as it is).",
    example: {
      before: `graph "g" {
  input %"x": float32[1, 2, 2, 2]
  const %"to" = int64[2] {1, 8}
  %"y": float32[1, 8] = Reshape(%"x", %"to") @"flat"
  return %"y"
}
`,
      after: `graph "g" {
  input %"x": float32[N, 2, 2, 2]
  const %"flat.shape" = int64[2] {0, -1}
  %"y": float32[N, 8] = Reshape(%"x", %"flat.shape") @"flat"
  return %"y"
}
`,
    },
    transform: (graph, { note }) => {
      const batch = batchOf(graph);
      if (batch === BATCH) return graph;
      try {
        if (batch === null)
          throw new EspalierError(
            "unsupported",
            "The inputs share no batch: their first dimensions differ or are absent",
          );
        return freed(graph, batch);
      } catch (error) {
        if (!(error instanceof EspalierError) || error.code === "internal") throw error;
        if (options.onFixed !== "keep") throw withContext(error, `making the batch of ${batch ?? "none"} free`);
        note(`The batch of ${batch ?? "none"} stays: ${error.message}.`);
        return graph;
      }
    },
  });
}

export const freeBatch = freeBatchWith();
