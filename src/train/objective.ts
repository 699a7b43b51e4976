import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type Graph, producers, shapeText, type ValueId, valueById } from "../ir/index.ts";
import type { Formula } from "../ops/index.ts";
import { headOf, scoresOfShape } from "./head.ts";
import {
  addBinaryCrossEntropy,
  addCrossEntropy,
  addHuber,
  addMeanAbsoluteError,
  addMeanSquaredError,
} from "./losses.ts";

/** How far an output is from its target. */
export type LossKind = "cross-entropy" | "binary-cross-entropy" | "mse" | "mae" | "huber";

/** One term of the loss. */
export interface OutputLoss {
  /** Name of the output; default: the graph's only one. */
  readonly output?: string;
  readonly kind: LossKind;
  /** Factor of this term in the sum; default 1. */
  readonly weight?: number;
  /**
   * What the output is compared with; default "labels": the tensor that the data's `targets` gives for this output, or else what the labels make (one
   * probability row a sample; the label itself for an output of one number). "samples": the samples as they went in (auto-encoders).
   */
  readonly target?: "labels" | "samples";
  /** Where Huber's loss turns from square to straight; default 1. */
  readonly delta?: number;
}

/** A term of the loss, found in the graph. */
export interface Term {
  readonly loss: OutputLoss;
  /** Name of the output that the term is about. */
  readonly output: string;
  /** What the loss is taken of: the output, or what goes into its final Softmax or Sigmoid. */
  readonly value: ValueId;
  /** Class scores of a sample for "cross-entropy", else null. */
  readonly classes: number | null;
  /** Whether the graph's output is a Softmax or Sigmoid of `value`. */
  readonly probabilities: boolean;
}

function outputOf(graph: Graph, loss: OutputLoss): ValueId {
  const where = `graph "${graph.name}"`;
  const names = graph.outputs.map((id) => valueById(graph, id).name);
  if (loss.output === undefined) {
    if (names.length === 1) return graph.outputs[0]!;
    throw new EspalierError("usage", `A loss must say which of the ${names.length} outputs it is about`, {
      where,
      hint: `They are ${names.map((name) => `"${name}"`).join(", ")}.`,
    });
  }
  const at = names.indexOf(loss.output);
  if (at < 0)
    throw new EspalierError("usage", `The graph has no output "${loss.output}"`, {
      where,
      hint: suggestion(loss.output, names),
    });
  return graph.outputs[at]!;
}

function termOf(graph: Graph, loss: OutputLoss): Term {
  const id = outputOf(graph, loss);
  const { name, type } = valueById(graph, id);
  const where = `output "${name}"`;
  if (type.dtype !== "float32")
    throw new EspalierError("unsupported", `A loss needs a float32 output, this one is ${type.dtype}`, { where });
  const last = producers(graph).get(id);
  const final = { "cross-entropy": "Softmax", "binary-cross-entropy": "Sigmoid" }[loss.kind as string];
  const probabilities = last !== undefined && last.op === final;
  const value = probabilities ? last.inputs[0]! : id;
  const { weight = 1, delta = 1 } = loss;
  if (!(Number.isFinite(weight) && weight >= 0 && Number.isFinite(delta) && delta > 0))
    throw new EspalierError("usage", `A loss of weight ${weight} and delta ${delta}`, {
      where,
      hint: "The weight is a number from 0 on, delta one above 0.",
    });
  const classes = loss.kind === "cross-entropy" ? scoresOfShape(valueById(graph, value).type.shape, where) : null;
  return { loss, output: name, value, classes, probabilities };
}

/** The terms of the loss in a graph; without `losses`, the cross-entropy of a classifier. Refuses graphs with several inputs, and losses that do not fit. */
export function termsOf(graph: Graph, losses: readonly OutputLoss[] | undefined): Term[] {
  if (losses === undefined) {
    headOf(graph);
    return [termOf(graph, { kind: "cross-entropy" })];
  }
  if (graph.inputs.length !== 1)
    throw new EspalierError(
      "unsupported",
      `Only models with one input are trained, this one has ${graph.inputs.length}`,
      {
        where: `graph "${graph.name}"`,
        hint: "Bind the others to a constant (--input name=value).",
      },
    );
  if (losses.length === 0) throw new EspalierError("usage", "There must be at least one loss");
  return losses.map((loss) => termOf(graph, loss));
}

/** A term in a graph with a bound batch, and the input that its target arrives by; null where the samples are the target. */
export interface PlacedTerm {
  readonly term: Term;
  /** The scores or values, [n, classes] for "cross-entropy". */
  readonly value: ValueId;
  readonly target: ValueId | null;
}

const ADD = {
  "cross-entropy": (f: Formula, value: ValueId, target: ValueId) => addCrossEntropy(f, value, target),
  "binary-cross-entropy": (f: Formula, value: ValueId, target: ValueId) => addBinaryCrossEntropy(f, value, target),
  mse: (f: Formula, value: ValueId, target: ValueId) => addMeanSquaredError(f, value, target),
  mae: (f: Formula, value: ValueId, target: ValueId) => addMeanAbsoluteError(f, value, target),
  huber: (f: Formula, value: ValueId, target: ValueId, delta: number) => addHuber(f, value, target, delta),
} as const satisfies Record<LossKind, (f: Formula, value: ValueId, target: ValueId, delta: number) => ValueId>;

/**
 * Adds the weighted sum of the terms and an input for each target. `values` are the terms' values in this graph, `samples` its input.
 * With `labels` false nothing is added but the reshaped scores: a teacher alone decides.
 */
export function addTerms(
  f: Formula,
  terms: readonly Term[],
  values: readonly ValueId[],
  samples: ValueId,
  labels: boolean,
): { readonly loss: ValueId | null; readonly placed: readonly PlacedTerm[] } {
  let loss: ValueId | null = null;
  const placed = terms.map((term, i): PlacedTerm => {
    const shape = f.shape(values[i]!);
    const rows = term.classes !== null && shape.length > 2;
    const value = rows ? f.reshape(values[i]!, [shape[0]!, term.classes]) : values[i]!;
    if (!labels) return { term, value, target: null };
    const { kind, target: wanted = "labels", weight = 1, delta = 1 } = term.loss;
    if (wanted === "samples") checkSamples(f, term, shape, samples);
    const target =
      wanted === "samples"
        ? samples
        : f.builder.input(i === 0 ? "target" : `target.${term.output}`, { dtype: "float32", shape: f.shape(value) });
    const own = ADD[kind](f, value, target, delta);
    const weighted = weight === 1 ? own : f.mul(own, f.number(weight));
    loss = loss === null ? weighted : f.add(loss, weighted);
    return { term, value, target: wanted === "samples" ? null : target };
  });
  return { loss, placed };
}

function checkSamples(f: Formula, term: Term, shape: readonly number[], samples: ValueId): void {
  const expected = f.shape(samples);
  if (shapeText(expected) !== shapeText(shape))
    throw new EspalierError("usage", `Its shape is ${shapeText(shape)}, the samples' is ${shapeText(expected)}`, {
      where: `output "${term.output}"`,
      hint: "Only an output of the samples' shape can be compared with them.",
    });
}
