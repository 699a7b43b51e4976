import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, producers, type Shape, shapeText, type ValueId, valueById } from "../ir/index.ts";

/** Where the class scores of a classifier are. */
export interface Head {
  /** Scores before any softmax, [N, classes] but for axes of size 1. */
  readonly logits: ValueId;
  readonly classes: number;
  /** Whether the graph's output is the softmax of the logits. */
  readonly probabilities: boolean;
}

/** The head of a graph with one input and one output of class scores; refuses any other graph. */
export function headOf(graph: Graph): Head {
  const where = `graph "${graph.name}"`;
  if (graph.inputs.length !== 1 || graph.outputs.length !== 1)
    throw new EspalierError(
      "unsupported",
      `A classifier with one input and one output is needed, this one has ${graph.inputs.length} and ${graph.outputs.length}`,
      { where },
    );
  const output = graph.outputs[0]!;
  const sources = producers(graph);
  let last = sources.get(output);
  // A quantised graph rounds the probabilities as well.
  while (last?.op === "DequantizeLinear" || last?.op === "QuantizeLinear") last = sources.get(last.inputs[0]!);
  const probabilities = last?.op === "Softmax";
  const logits = last !== undefined && probabilities ? last.inputs[0]! : output;
  const classes = scoresOfShape(valueById(graph, logits).type.shape, where);
  return { logits, classes, probabilities };
}

/** The number of classes of scores [N, classes] but for axes of size 1; refuses any other shape. */
export function scoresOfShape(shape: Shape, where: string): number {
  const classes = shape[1];
  if (shape.length < 2 || typeof classes !== "number" || shape.slice(2).some((dim) => dim !== 1))
    throw new EspalierError("unsupported", `The output must be class scores [N, classes], got ${shapeText(shape)}`, {
      where,
    });
  return classes;
}

/** What a check of samples against a model needs to know of a data set. */
export interface FitData {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly labels: Int32Array;
}

/** Refuses a data set whose samples or labels do not fit the model. */
export function checkFit(graph: Graph, head: Head, data: FitData): void {
  checkSampleShape(graph, data);
  checkLabels(head.classes, data);
}

/** Refuses samples of another shape than the model's input. */
export function checkSampleShape(graph: Graph, data: FitData): void {
  const input = valueById(graph, graph.inputs[0]!).type.shape;
  if (shapeText(input.slice(1)) !== shapeText(data.sampleShape))
    throw new EspalierError(
      "input",
      `The model takes samples of shape ${shapeText(input.slice(1))}, the data set has ${shapeText(data.sampleShape)}`,
      { where: data.name, hint: "Use a data set of the model's input shape, or resize its images." },
    );
}

/** Refuses labels that the model has no class for. */
export function checkLabels(classes: number, data: FitData): void {
  let greatest = -1;
  for (const label of data.labels) greatest = Math.max(greatest, label);
  if (greatest >= classes)
    throw new EspalierError("input", `The model has ${classes} classes, the data set has label ${greatest}`, {
      where: data.name,
      hint: "Use the data set that the model was trained for.",
    });
}
