import type { Graph, GraphBuilder, ValueId } from "../ir/index.ts";
import { formula, newBuilder } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { addGradients } from "./autodiff.ts";
import type { TargetSlot } from "./batch-source.ts";
import { type Forward, forwardOf, type TrainingGraphOptions } from "./forward.ts";
import { checkDecay } from "./moving-average.ts";
import type { Parameter } from "./parameters.ts";
import { withRecomputation } from "./recompute.ts";
import type { PlacedStepInput } from "./step-inputs.ts";
import { addUpdates, type PlacedState, type StateTensor, type UpdateScalars, zeros } from "./updates.ts";

export { bindBatch } from "./bind-batch.ts";
export type { TrainingGraphOptions } from "./forward.ts";
export type { StateTensor } from "./updates.ts";

/** A low-rank adapter: the constant that it adapts, and the state inputs of its two factors. */
export interface PlacedAdapter {
  readonly constant: ValueId;
  readonly weight: Tensor;
  readonly left: string;
  readonly right: string;
  readonly scale: number;
}

/** One training step as a graph: samples, targets and state in; loss, logits and new state out. */
export interface TrainingGraph {
  readonly graph: Graph;
  /** With several batches an update: the graph of the update; `graph` then sums gradients and leaves the weights alone. */
  readonly update: Graph | null;
  /** Classes of the scores that accuracy is counted on; null when no output has any. */
  readonly classes: number | null;
  readonly names: {
    readonly samples: string;
    /** Target probabilities [n, classes] of the first loss. */
    readonly target: string;
    /** Teacher logits [n, classes]; null without distillation. */
    readonly teacher: string | null;
    readonly features: readonly string[];
    readonly rate: string;
    readonly corrections: readonly string[];
    readonly averaging: string | null;
    /** 0 at the first batch of an update, 1 at the others; null without accumulation. */
    readonly keep: string | null;
    readonly loss: string;
    readonly logits: string;
  };
  /** One for each loss that takes a target. */
  readonly targets: readonly TargetSlot[];
  readonly adapters: readonly PlacedAdapter[];
  /** Inputs that each update feeds anew. */
  readonly stepInputs: readonly PlacedStepInput[];
  readonly state: readonly StateTensor[];
}

interface Slope {
  readonly parameter: Parameter;
  readonly gradient: ValueId;
}

/** Parameters that the loss depends on, with their gradients; the others are state that no step writes. */
function slopesOf(forward: Forward): { readonly slopes: readonly Slope[]; readonly unmoved: readonly PlacedState[] } {
  const { builder, parameters, composites, loss } = forward;
  const gradients = addGradients(
    builder,
    loss,
    parameters.map(({ input }) => input),
    { composites },
  );
  const slopes: Slope[] = [];
  const unmoved: PlacedState[] = [];
  parameters.forEach((parameter, i) => {
    const { constant, input, initial } = parameter;
    const gradient = gradients[i] ?? null;
    if (gradient !== null) slopes.push({ parameter, gradient });
    else unmoved.push({ role: "weight", constant, input, output: input, initial });
  });
  return { slopes, unmoved };
}

function namesOf(
  builder: GraphBuilder,
  original: Graph,
  forward: Forward,
): Omit<TrainingGraph["names"], "rate" | "corrections" | "averaging" | "keep"> {
  const name = (id: ValueId) => builder.value(id).name;
  const first = forward.placed.find(({ target }) => target !== null);
  return {
    samples: name(original.inputs[0]!),
    target: first === undefined ? "" : name(first.target!),
    teacher: forward.teacher === null ? null : name(forward.teacher),
    features: forward.features.map(name),
    loss: name(forward.loss),
    logits: name((forward.placed.find(({ term }) => term.classes !== null) ?? forward.placed[0]!).value),
  };
}

function scalarNames(builder: GraphBuilder, { rate, corrections, averaging }: UpdateScalars) {
  const name = (id: ValueId) => builder.value(id).name;
  return {
    rate: name(rate),
    corrections: corrections.map(name),
    averaging: averaging === null ? null : name(averaging),
  };
}

function named(builder: GraphBuilder, state: readonly PlacedState[]): StateTensor[] {
  const name = (id: ValueId) => builder.value(id).name;
  return state.map((own) => ({ ...own, input: name(own.input), output: name(own.output) }));
}

/** What the training graph says of its forward pass whatever the update is. */
function described(
  builder: GraphBuilder,
  forward: Forward,
): Pick<TrainingGraph, "classes" | "targets" | "adapters" | "stepInputs"> {
  const name = (id: ValueId) => builder.value(id).name;
  return {
    stepInputs: forward.stepInputs,
    classes: forward.placed.find(({ term }) => term.classes !== null)?.term.classes ?? null,
    targets: forward.placed.flatMap(({ term, target }) =>
      target === null
        ? []
        : [{ input: name(target), term, shape: builder.value(target).type.shape as readonly number[] }],
    ),
    adapters: forward.adapters.map(({ constant, weight, left, right, scale }) => ({
      constant,
      weight,
      left: name(left.input),
      right: name(right.input),
      scale,
    })),
  };
}

/**
 * The training step of a graph: forward pass with batch statistics, loss, gradients and optimiser, in one graph whose weights, running statistics
 * and optimiser state are inputs and outputs. A final Softmax (Sigmoid) is left out where the loss takes its logits.
 */
export function trainingGraph(original: Graph, options: TrainingGraphOptions): TrainingGraph {
  if (options.ema !== undefined) checkDecay(options.ema);
  const forward = forwardOf(original, options);
  const ahead = [...forward.builder.currentNodes];
  const { slopes, unmoved } = slopesOf(forward);
  const make = (options.accumulate ?? 1) > 1 ? inTwo : inOne;
  const training = make(original, options, forward, slopes);
  const scores = forward.placed.map(({ value }) => value);
  const graph =
    options.recompute === undefined
      ? training.graph
      : withRecomputation(training.graph, ahead, scores, options.recompute);
  return { ...training, graph, state: [...training.state, ...named(forward.builder, unmoved)] };
}

function inOne(
  original: Graph,
  options: TrainingGraphOptions,
  forward: Forward,
  slopes: readonly Slope[],
): TrainingGraph {
  const { builder, statistics } = forward;
  const moved = slopes.map(({ parameter, gradient }) => ({ parameter, gradient, weight: parameter.input }));
  const tracked = statistics.map((state) => ({ state, now: state.output }));
  const { state: updated, scalars } = addUpdates(builder, moved, tracked, options);
  const state = [...updated, ...statistics];
  const names = { ...namesOf(builder, original, forward), ...scalarNames(builder, scalars), keep: null };
  builder.setOutputs([forward.loss, scoresOf(forward), ...state.map(({ output }) => output)]);
  return { graph: builder.build(), update: null, names, ...described(builder, forward), state: named(builder, state) };
}

function scoresOf(forward: Forward): ValueId {
  return (forward.placed.find(({ term }) => term.classes !== null) ?? forward.placed[0]!).value;
}

/** One graph that adds gradients up and one that makes the update from them: the weights stay while the batches of an update run. */
function inTwo(
  original: Graph,
  options: TrainingGraphOptions,
  forward: Forward,
  slopes: readonly Slope[],
): TrainingGraph {
  const { builder, statistics } = forward;
  const share = 1 / options.accumulate!;
  const keep = builder.input("keep", { dtype: "float32", shape: [] });
  const accumulators = slopes.map(({ parameter, gradient }): PlacedState => {
    const { shape } = parameter.initial;
    const f = formula(builder, `${parameter.name}.accumulated`);
    const input = builder.input(`${parameter.name}.accumulated`, { dtype: "float32", shape });
    const output = f.add(f.mul(input, keep), f.mul(gradient, f.number(share)));
    return { role: "accumulator", constant: null, input, output, initial: zeros(shape) };
  });
  const own = [...statistics, ...accumulators];
  const first = named(builder, own);
  const names = { ...namesOf(builder, original, forward), keep: builder.value(keep).name };
  builder.setOutputs([forward.loss, scoresOf(forward), ...own.map(({ output }) => output)]);

  const second = newBuilder(`${original.name}.update`);
  const copy = (id: ValueId) => second.input(builder.value(id).name, builder.value(id).type);
  const moved = slopes.map(({ parameter }) => ({ parameter, weight: copy(parameter.input), gradient: 0 }));
  const summed = accumulators.map(({ input }) => copy(input));
  const tracked = options.ema === undefined ? [] : statistics.map((state) => ({ state, now: copy(state.input) }));
  const { state, scalars } = addUpdates(
    second,
    moved.map((entry, i) => ({ ...entry, gradient: summed[i]! })),
    tracked.map(({ state: placed, now }) => ({ state: { ...placed, input: now }, now })),
    options,
  );
  second.setOutputs(state.map(({ output }) => output));
  return {
    graph: builder.build(),
    update: second.build(),
    names: { ...names, ...scalarNames(second, scalars) },
    ...described(builder, forward),
    state: [...named(second, state), ...first],
  };
}
