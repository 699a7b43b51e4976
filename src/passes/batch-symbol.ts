import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, type Graph, type Node, normalAxis, type Shape, shapeText, valueById } from "../ir/index.ts";
import { contextOf, reducedAxes } from "../ops/index.ts";

/** The name of the symbolic batch dimension throughout the IR. */
export const BATCH = "N";

/** The batch that the graph's inputs share as dimension 0: "N", another symbol, a size, or null when they have none or differ. */
export function batchOf(graph: Graph): Dim | null {
  const sizes = graph.inputs.flatMap((id) => {
    const dim = valueById(graph, id).type.shape[0];
    return dim === undefined ? [] : [dim];
  });
  const first = sizes[0];
  return first !== undefined && sizes.every((dim) => dim === first) ? first : null;
}

function isSymbolic(dim: Dim | undefined): boolean {
  return typeof dim === "string";
}

/** Symbols of the operands of a node that its result has lost. */
function contracted(graph: Graph, node: Node): Dim[] {
  const left = valueById(graph, node.outputs[0]!).type.shape;
  const given = node.inputs.flatMap((id) => (id === null ? [] : valueById(graph, id).type.shape));
  return given.filter((dim) => isSymbolic(dim) && !left.includes(dim));
}

/** Which axes a node computes across, so that the result at one position depends on the others. */
function mixedAxes(graph: Graph, node: Node): Dim[] {
  const shape: Shape = valueById(graph, node.inputs[0]!).type.shape;
  const at = (axis: number) => shape[normalAxis(axis, shape.length)]!;
  const context = contextOf(graph, node);
  const attrs: Readonly<Record<string, unknown>> = context.attrs;
  switch (node.op) {
    case "Softmax":
    case "LogSoftmax":
    case "Hardmax":
    case "LpNormalization":
    case "ArgMax":
    case "ArgMin":
    case "TopK":
    case "Gather":
    case "GatherElements":
    case "ScatterElements":
      return [at(Number(attrs.axis))];
    case "CumSum":
      return [at(context.ints(1)[0]!)];
    case "LayerNormalization":
      return shape.slice(normalAxis(Number(attrs.axis), shape.length));
    case "MeanVarianceNormalization":
      return (attrs.axes as readonly number[]).map(at);
    case "ReverseSequence":
      return [at(Number(attrs.time_axis))];
    case "LSTM":
    case "GRU":
    case "RNN":
      return [at(attrs.layout === 1 ? 1 : 0)];
    case "GatherND":
    case "ScatterND":
      return Number(attrs.batch_dims ?? 0) > 0 ? [] : [at(0)];
    case "Einsum":
      return contracted(graph, node);
    case "MatMul":
      return [at(-1)];
    case "Gemm":
      return [at(attrs.transA === 1 ? 0 : 1)];
    default:
      return node.op.startsWith("Reduce") ? reducedAxes(context).map((axis) => shape[axis]!) : [];
  }
}

/** Refuses a graph in which a sample's result depends on the other samples of its batch. */
export function checkSamplesApart(graph: Graph): void {
  for (const node of graph.nodes) {
    // [N, k] times [k, N] compares each sample with each other one.
    const isPairwise = node.outputs.some((id) => valueById(graph, id).type.shape.filter(isSymbolic).length > 1);
    if (isPairwise || mixedAxes(graph, node).some(isSymbolic))
      throw new EspalierError("unsupported", `${node.op} computes across the batch axis`, {
        where: `node "${node.name}" (${node.op})`,
        hint: "A model whose samples depend on each other keeps the batch that it was exported with.",
      });
  }
  for (const id of graph.outputs) {
    const { name, type } = valueById(graph, id);
    if (!type.shape.some(isSymbolic))
      throw new EspalierError("unsupported", `Output "${name}" of shape ${shapeText(type.shape)} has no batch axis`, {
        hint: "Such a model keeps the batch that it was exported with.",
      });
  }
}
