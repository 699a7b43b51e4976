import { type Graph, type GraphBuilder, staticShape, type ValueId, valueById } from "../ir/index.ts";
import { editGraph, type Formula, formula } from "../ops/index.ts";
import { allocate, float32, sizeOf, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import { addGradients, type Composite } from "./autodiff.ts";
import { type Measured, useBatchStatistics } from "./batch-norm.ts";
import { headOf } from "./head.ts";
import { addCrossEntropy, addDistillation, type Distillation } from "./losses.ts";
import { addUpdate, correctionsAt, type Optimiser, slotCount } from "./optimisers.ts";
import { openParameters, type ParameterChoice } from "./parameters.ts";

export interface TrainingGraphOptions extends ParameterChoice {
  readonly batch: number;
  readonly optimiser: Optimiser;
  /** Adds the teacher's logits as an input and the distillation term to the loss. */
  readonly distillation?: Distillation;
  /** Share of the old value that running statistics keep each step; default 0.9. With "frozen", batch norms keep their inference form. */
  readonly batchNorm?: number | "frozen";
}

/** A tensor that goes into a step and comes out changed. */
export interface StateTensor {
  /** The constant of the original graph that it is, or null for optimiser state. */
  readonly constant: ValueId | null;
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor<"float32">;
}

/** One training step as a graph: samples, targets and state in; loss, logits and new state out. */
export interface TrainingGraph {
  readonly graph: Graph;
  readonly classes: number;
  readonly names: {
    readonly samples: string;
    /** Target probabilities [n, classes]. */
    readonly target: string;
    /** Teacher logits [n, classes]; null without distillation. */
    readonly teacher: string | null;
    readonly rate: string;
    readonly corrections: readonly string[];
    readonly loss: string;
    readonly logits: string;
  };
  readonly state: readonly StateTensor[];
}

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

interface Pending {
  readonly constant: ValueId;
  readonly input: ValueId;
  readonly output: ValueId;
}

/** Running statistics as inputs, and as outputs moved towards the statistics of the batch. */
function addRunningStatistics(builder: GraphBuilder, measured: readonly Measured[], momentum: number): Pending[] {
  return measured.flatMap(({ constants, values, name }) => {
    const f = formula(builder, `${name}.running`);
    return constants.map((constant, i) => {
      const { name: wanted, type } = builder.value(constant);
      const input = builder.input(wanted, type);
      const output = f.add(f.mul(input, f.number(momentum)), f.mul(values[i]!, f.number(1 - momentum)));
      return { constant, input, output };
    });
  });
}

function lossOf(
  f: Formula,
  logits: ValueId,
  classes: number,
  batch: number,
  distillation: Distillation | undefined,
): { loss: ValueId; target: ValueId; teacher: ValueId | null } {
  const rows = { dtype: "float32", shape: [batch, classes] } as const;
  const target = f.builder.input("target", rows);
  const flat = f.shape(logits).length === 2 ? logits : f.reshape(logits, [batch, classes]);
  const hard = addCrossEntropy(f, flat, target);
  if (distillation === undefined) return { loss: hard, target, teacher: null };
  const { temperature = 2, weight = 0.5 } = distillation;
  const teacher = f.builder.input("teacher", rows);
  const soft = addDistillation(f, flat, teacher, temperature);
  return { loss: f.add(f.mul(hard, f.number(1 - weight)), f.mul(soft, f.number(weight))), target, teacher };
}

function zeros(shape: readonly number[]): Tensor<"float32"> {
  return tensor("float32", shape, allocate("float32", sizeOf(shape)));
}

/** a * b, element by element. */
function product(a: Tensor, b: Tensor): Tensor<"float32"> {
  const [left, right] = [toFloat32(a), toFloat32(b)];
  return float32(
    a.shape,
    left.map((value, i) => value * right[i]!),
  );
}

/**
 * The training step of a classifier: forward pass with batch statistics, loss, gradients and optimiser, in one graph whose weights, running statistics
 * and optimiser state are inputs and outputs. A final Softmax is left out: the loss takes its logits.
 */
export function trainingGraph(original: Graph, options: TrainingGraphOptions): TrainingGraph {
  const head = headOf(original);
  const bound = bindBatch(original, options.batch);
  const opening = editGraph(bound);
  opening.setOutputs([head.logits]);
  const parameters = openParameters(opening, bound, options);
  const opened = opening.build();
  const builder = editGraph(opened);
  const momentum = options.batchNorm ?? 0.9;
  const { composites, measured } =
    momentum === "frozen" ? { composites: [], measured: [] } : useBatchStatistics(builder, opened);
  const statistics = momentum === "frozen" ? [] : addRunningStatistics(builder, measured, momentum);
  const logits = builder.currentOutputs[0]!;
  const f = formula(builder, "loss");
  const { loss, target, teacher } = lossOf(f, logits, head.classes, options.batch, options.distillation);
  builder.setOutputs([loss, logits, ...statistics.map(({ output }) => output)]);
  // Building puts the nodes in topological order, which the reverse walk needs.
  const forward = editGraph(builder.build());
  return finish(forward, original, options, {
    composites,
    statistics,
    parameters,
    loss,
    logits,
    target,
    teacher,
    classes: head.classes,
  });
}

interface Forward {
  readonly composites: readonly Composite[];
  readonly statistics: readonly Pending[];
  readonly parameters: ReadonlyMap<ValueId, ValueId>;
  readonly loss: ValueId;
  readonly logits: ValueId;
  readonly target: ValueId;
  readonly teacher: ValueId | null;
  readonly classes: number;
}

/** Adds gradients and optimiser, and names what goes in and out. */
function finish(
  builder: GraphBuilder,
  original: Graph,
  options: TrainingGraphOptions,
  forward: Forward,
): TrainingGraph {
  const { optimiser } = options;
  const pairs = [...forward.parameters];
  const gradients = addGradients(
    builder,
    forward.loss,
    pairs.map(([, input]) => input),
    { composites: forward.composites },
  );
  const one = { dtype: "float32", shape: [] } as const;
  const rate = builder.input("rate", one);
  const corrections = correctionsAt(optimiser, 1).map((_, i) => builder.input(`correction.${i}`, one));
  const name = (id: ValueId) => builder.value(id).name;
  const state: { slot: StateTensor; id: ValueId }[] = [];
  const record = (constant: ValueId | null, input: ValueId, output: ValueId, initial: Tensor) => {
    state.push({
      slot: { constant, input: name(input), output: name(output), initial: initial as Tensor<"float32"> },
      id: output,
    });
  };
  pairs.forEach(([constant, weight], i) => {
    const gradient = gradients[i]!;
    if (gradient === null) return;
    const value = valueById(original, constant);
    const shape = value.data!.shape;
    const f = formula(builder, `${value.name}.step`);
    const slots = Array.from({ length: slotCount(optimiser) }, (_, k) =>
      builder.input(`${value.name}.slot${k}`, { dtype: "float32", shape }),
    );
    const update = addUpdate(f, optimiser, weight, gradient, slots, { rate, corrections });
    const mask = options.masks?.get(value.name);
    if (mask === undefined) record(constant, weight, update.weight, value.data!);
    else record(constant, weight, f.mul(update.weight, f.constant(mask)), product(value.data!, mask));
    slots.forEach((slot, k) => {
      record(null, slot, update.slots[k]!, zeros(shape));
    });
  });
  for (const { constant, input, output } of forward.statistics)
    record(constant, input, output, valueById(original, constant).data!);
  builder.setOutputs([forward.loss, forward.logits, ...state.map(({ id }) => id)]);
  return {
    graph: builder.build(),
    classes: forward.classes,
    names: {
      samples: name(original.inputs[0]!),
      target: name(forward.target),
      teacher: forward.teacher === null ? null : name(forward.teacher),
      rate: name(rate),
      corrections: corrections.map(name),
      loss: name(forward.loss),
      logits: name(forward.logits),
    },
    state: state.map(({ slot }) => slot),
  };
}
