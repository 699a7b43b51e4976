import { EspalierError } from "../diagnostics/index.ts";
import type { Graph, GraphBuilder, ValueId } from "../ir/index.ts";
import { editGraph, formula } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { type Adapter, type AdapterOptions, addAdapters } from "./adapters.ts";
import type { Composite } from "./autodiff.ts";
import { type Measured, useBatchStatistics } from "./batch-norm.ts";
import { bindTrainingBatch } from "./bind-batch.ts";
import { addFeatureTerms, type FeaturePair, type PlacedPair } from "./feature-distillation.ts";
import { addDistillation, type Distillation } from "./losses.ts";
import { addTerms, type OutputLoss, type PlacedTerm, type Term, termsOf } from "./objective.ts";
import { joined, parted } from "./packed.ts";
import { openParameters, type Parameter, type ParameterChoice } from "./parameters.ts";
import { addPenalties, type Penalty, strengthInputs } from "./penalties.ts";
import { addStepInputs, type PlacedStepInput, type StepInput } from "./step-inputs.ts";
import type { PlacedState, UpdateOptions } from "./updates.ts";

/** A pair of features whose teacher's shape is known. */
export interface KnownPair extends FeaturePair {
  /** Shape of the teacher's value at the training batch. */
  readonly shape: readonly number[];
}

/** What a caller adds to the forward pass between batch normalisation and loss: parameters of its own, and composites for the reverse walk. */
export interface Prepared {
  readonly composites?: readonly Composite[];
  readonly parameters?: readonly Parameter[];
}

export interface TrainingGraphOptions extends ParameterChoice, UpdateOptions {
  readonly batch: number;
  /** Default: the cross-entropy of the only output. */
  readonly losses?: readonly OutputLoss[];
  /** Adds the teacher's logits as an input and the distillation term to the loss; pairs of features in the same way. */
  readonly distillation?: Distillation & { readonly features?: readonly KnownPair[] };
  /** Share of the old value that running statistics keep each step; default 0.9. With "frozen", batch norms keep their inference form. */
  readonly batchNorm?: number | "frozen";
  /** Trains low-rank adapters and nothing else. */
  readonly adapters?: AdapterOptions;
  /** Batches whose gradients make one update; default 1. */
  readonly accumulate?: number;
  /** Into how many segments the forward pass is cut to save memory: what does not cross a cut is computed again in the backward pass. Default: nothing is. */
  readonly recompute?: number;
  /** Where initial values of adapters and projections come from; default 0. */
  readonly seed?: number;
  /** Terms of the loss that are about weights. */
  readonly penalties?: readonly Penalty[];
  /** Inputs that are fed anew at each update, for penalties and `prepare`. */
  readonly stepInputs?: readonly StepInput[];
  /** Changes the forward pass before the loss is taken; values keep their ids or are replaced by `builder.replaceUses`. `inputs` are the step inputs by name. */
  readonly prepare?: (builder: GraphBuilder, graph: Graph, inputs: ReadonlyMap<string, ValueId>) => Prepared;
}

/** Running statistics as inputs, and as outputs moved towards the statistics of the batch. */
function addRunningStatistics(builder: GraphBuilder, measured: readonly Measured[], momentum: number): PlacedState[] {
  const statistics = measured.flatMap(({ constants, values }) =>
    constants.map((constant, i) => {
      const { name, type, data } = builder.value(constant);
      return { constant, input: builder.input(name, type), value: values[i]!, initial: data as Tensor<"float32"> };
    }),
  );
  if (statistics.length === 0) return [];
  const f = formula(builder, "running");
  const old = joined(
    f,
    statistics.map(({ input }) => input),
  );
  const now = joined(
    f,
    statistics.map(({ value }) => value),
  );
  const moved = f.add(f.mul(old, f.number(momentum)), f.mul(now, f.number(1 - momentum)));
  const outputs = parted(
    f,
    "running.next",
    moved,
    statistics.map(({ initial }) => initial.shape[0]!),
  );
  return statistics.map(({ constant, input, initial }, i) => ({
    role: "statistic",
    constant,
    input,
    output: outputs[i]!,
    initial,
  }));
}

function studentValue(graph: Graph, name: string): ValueId {
  for (const { id, name: own, data } of graph.values.values()) if (own === name && data === undefined) return id;
  throw new EspalierError("usage", `The student has no value "${name}"`, {
    where: `graph "${graph.name}"`,
    hint: "`espalier inspect` and Netron show the names of values.",
  });
}

/** The forward pass with its loss, ready for the reverse walk. */
export interface Forward {
  readonly builder: GraphBuilder;
  readonly composites: readonly Composite[];
  readonly statistics: readonly PlacedState[];
  readonly parameters: readonly Parameter[];
  readonly adapters: readonly Adapter[];
  readonly loss: ValueId;
  readonly placed: readonly PlacedTerm[];
  readonly teacher: ValueId | null;
  readonly features: readonly ValueId[];
  readonly stepInputs: readonly PlacedStepInput[];
}

function lossOf(
  builder: GraphBuilder,
  terms: readonly Term[],
  values: readonly ValueId[],
  samples: ValueId,
  pairs: readonly PlacedPair[],
  options: TrainingGraphOptions,
): Pick<Forward, "loss" | "placed" | "teacher" | "features"> & { readonly projections: readonly Parameter[] } {
  const { distillation } = options;
  const labels = distillation?.labels ?? true;
  const f = formula(builder, "loss");
  const { loss: hard, placed } = addTerms(f, terms, values, samples, labels);
  if (distillation === undefined) return { loss: hard!, placed, teacher: null, features: [], projections: [] };
  const { temperature = 2, weight = labels ? 0.5 : 1 } = distillation;
  const features = addFeatureTerms(builder, pairs, options.seed ?? 0);
  const parts: ValueId[] = [];
  if (hard !== null && weight !== 1) parts.push(f.mul(hard, f.number(1 - weight)));
  let teacher: ValueId | null = null;
  if (weight !== 0) {
    const scored = placed.find(({ term }) => term.classes !== null);
    if (scored === undefined)
      throw new EspalierError("unsupported", "Distillation compares class scores, and no loss is a cross-entropy", {
        hint: "Give the teacher a weight of 0 and pairs of features, or a cross-entropy to one output.",
      });
    teacher = builder.input("teacher", builder.value(scored.value).type);
    parts.push(f.mul(addDistillation(f, scored.value, teacher, temperature), f.number(weight)));
  }
  if (features.loss !== null) parts.push(features.loss);
  if (parts.length === 0)
    throw new EspalierError("usage", "Without labels and with a teacher of weight 0 there is no loss");
  const loss = parts.reduce((sum, part) => f.add(sum, part));
  return { loss, placed, teacher, features: features.inputs, projections: features.parameters };
}

/** The forward pass over a bound batch, its loss, and everything that it learns or measures as inputs and outputs. */
export function forwardOf(original: Graph, options: TrainingGraphOptions): Forward {
  const terms = termsOf(original, options.losses);
  const bound = bindTrainingBatch(original, options.batch);
  const pairs = options.distillation?.features ?? [];
  const opening = editGraph(bound);
  opening.setOutputs([...terms.map(({ value }) => value), ...pairs.map(({ student }) => studentValue(bound, student))]);
  if (options.adapters !== undefined && options.masks !== undefined && options.masks.size > 0)
    throw new EspalierError(
      "usage",
      "Masks and low-rank adapters exclude each other: an adapter fills what a mask keeps at 0",
    );
  const adapters =
    options.adapters === undefined
      ? []
      : addAdapters(opening, bound, { ...options.adapters, seed: options.seed ?? 0, ...frozenOf(options) });
  const learned =
    options.adapters === undefined
      ? openParameters(opening, bound, options)
      : adapters.flatMap(({ left, right }) => [left, right]);
  const opened = opening.build();
  const builder = editGraph(opened);
  const momentum = options.batchNorm ?? 0.9;
  const { composites, measured } =
    momentum === "frozen"
      ? { composites: [], measured: [] }
      : useBatchStatistics(builder, opened, { trainedOnly: true });
  const statistics = momentum === "frozen" ? [] : addRunningStatistics(builder, measured, momentum);
  const penalties = penaltiesOf(options);
  const { ids, placed: stepInputs } = addStepInputs(builder, [
    ...(options.stepInputs ?? []),
    ...strengthInputs(penalties),
  ]);
  const prepared = options.prepare?.(builder, opened, ids) ?? {};
  const values = builder.currentOutputs.slice(0, terms.length);
  const placedPairs = pairs.map(({ shape, ...pair }, i) => ({
    pair,
    shape,
    student: builder.currentOutputs[terms.length + i]!,
  }));
  const { projections, ...rest } = lossOf(builder, terms, values, original.inputs[0]!, placedPairs, options);
  const parameters = [...learned, ...(prepared.parameters ?? []), ...projections];
  const loss = addPenalties(formula(builder, "loss"), rest.loss, penalties, parameters, ids);
  builder.setOutputs([loss, ...rest.placed.map(({ value }) => value), ...statistics.map(({ output }) => output)]);
  // Building puts the nodes in topological order, which the reverse walk needs.
  return {
    builder: editGraph(builder.build()),
    composites: [...composites, ...(prepared.composites ?? [])],
    statistics,
    parameters,
    adapters,
    stepInputs,
    ...rest,
    loss,
  };
}

function penaltiesOf({ penalties = [], adapters }: TrainingGraphOptions): readonly Penalty[] {
  if (penalties.length > 0 && adapters !== undefined)
    throw new EspalierError("usage", "Penalties are about weights, and with low-rank adapters no weight is trained");
  return penalties;
}

function frozenOf({ frozen }: TrainingGraphOptions): { readonly frozen?: ReadonlySet<string> } {
  return frozen === undefined ? {} : { frozen };
}
