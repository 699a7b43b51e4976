import type { GraphBuilder, ValueId } from "../ir/index.ts";
import { formula } from "../ops/index.ts";
import { allocate, float32, sizeOf, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import { addClipping, type Clip } from "./clip-gradients.ts";
import { addAverage } from "./moving-average.ts";
import { addUpdate, correctionsAt, type Optimiser, type StepScalars, slotCount, type Update } from "./optimisers.ts";
import { joined, parted, reducedAnyway } from "./packed.ts";
import type { Parameter } from "./parameters.ts";

/**
 * What a state tensor is: a weight, a running statistic, the moving average of one of the two, the optimiser's memory, or gradients summed up over
 * batches (worth nothing once the update is made).
 */
export type StateRole = "weight" | "statistic" | "average" | "slot" | "accumulator";

/** A tensor that goes into a step and comes out changed. */
export interface StateTensor {
  readonly role: StateRole;
  /** The constant of the original graph that it is (of an average: that it averages), or null. */
  readonly constant: ValueId | null;
  /** For an average: the input of what it averages; for a slot: the input of its weight. */
  readonly of?: string;
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor<"float32">;
}

/** State as it is while the graph is being built. */
export interface PlacedState extends Omit<StateTensor, "input" | "output"> {
  readonly input: ValueId;
  readonly output: ValueId;
}

/** How weights move from their gradients. */
export interface UpdateOptions {
  readonly optimiser: Optimiser;
  readonly clip?: Clip;
  /** Decay of the moving average of weights and statistics; none without. */
  readonly ema?: number;
  readonly masks?: ReadonlyMap<string, Tensor>;
}

/** A parameter with the value that it has in this graph and its gradient. */
export interface Moved {
  readonly parameter: Parameter;
  readonly weight: ValueId;
  readonly gradient: ValueId;
}

/** Scalar inputs of an update. */
export interface UpdateScalars {
  readonly rate: ValueId;
  readonly corrections: readonly ValueId[];
  /** Decay of the moving average; null without one. */
  readonly averaging: ValueId | null;
}

export function zeros(shape: readonly number[]): Tensor<"float32"> {
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

/** A parameter with what its step reads. */
interface Stepped extends Moved {
  readonly slots: readonly ValueId[];
}

/** The steps of the optimiser, in the order of the parameters. Scales and shifts of batch normalisations are one step. */
function addSteps(
  builder: GraphBuilder,
  optimiser: Optimiser,
  moved: readonly Stepped[],
  scalars: StepScalars,
): readonly Update[] {
  const updates = new Map<Stepped, Update>();
  const anyway = reducedAnyway(builder);
  const isVector = ({ parameter, gradient }: Stepped) => parameter.initial.shape.length === 1 && anyway(gradient);
  for (const decays of [false, true]) {
    const vectors = moved.filter((own) => isVector(own) && own.parameter.decays === decays);
    if (vectors.length === 0) continue;
    const name = decays ? "vectors.decayed" : "vectors";
    const f = formula(builder, `${name}.step`);
    const lengths = vectors.map(({ parameter }) => parameter.initial.shape[0]!);
    const weight = joined(
      f,
      vectors.map((own) => own.weight),
    );
    const gradient = joined(
      f,
      vectors.map((own) => own.gradient),
    );
    const slots = vectors[0]!.slots.map((_, k) =>
      joined(
        f,
        vectors.map((own) => own.slots[k]!),
      ),
    );
    const update = addUpdate(f, optimiser, weight, gradient, slots, { ...scalars, decays });
    const weights = parted(f, `${name}.next`, update.weight, lengths);
    const next = update.slots.map((slot, k) => parted(f, `${name}.slot${k}.next`, slot, lengths));
    vectors.forEach((own, i) => {
      updates.set(own, { weight: weights[i]!, slots: next.map((parts) => parts[i]!) });
    });
  }
  return moved.map((own) => {
    const { name, decays } = own.parameter;
    const f = formula(builder, `${name}.step`);
    return updates.get(own) ?? addUpdate(f, optimiser, own.weight, own.gradient, own.slots, { ...scalars, decays });
  });
}

/** Adds clipping, optimiser, masks and moving averages; `statistics` are averaged too. Answers the new state (without the statistics themselves). */
export function addUpdates(
  builder: GraphBuilder,
  moved: readonly Moved[],
  statistics: readonly { readonly state: PlacedState; readonly now: ValueId }[],
  options: UpdateOptions,
): { readonly state: readonly PlacedState[]; readonly scalars: UpdateScalars } {
  const { optimiser, masks } = options;
  const one = { dtype: "float32", shape: [] } as const;
  const rate = builder.input("rate", one);
  const corrections = correctionsAt(optimiser, 1).map((_, i) => builder.input(`correction.${i}`, one));
  const averaging = options.ema === undefined ? null : builder.input("averaging", one);
  const gradients = moved.map(({ gradient }) => gradient);
  const clipped =
    options.clip === undefined ? gradients : addClipping(formula(builder, "clip"), gradients, options.clip);
  const state: PlacedState[] = [];
  const average = (of: PlacedState, name: string, now: ValueId) => {
    if (averaging === null) return;
    const { shape } = of.initial;
    const input = builder.input(`${name}.average`, { dtype: "float32", shape });
    const output = addAverage(formula(builder, `${name}.average`), input, now, averaging);
    state.push({
      role: "average",
      constant: of.constant,
      of: builder.value(of.input).name,
      input,
      output,
      initial: of.initial,
    });
  };
  const slots = moved.map(({ parameter: { name, initial } }) =>
    Array.from({ length: slotCount(optimiser) }, (_, k) =>
      builder.input(`${name}.slot${k}`, { dtype: "float32", shape: initial.shape }),
    ),
  );
  const stepped = moved.map((own, i): Stepped => ({ ...own, gradient: clipped[i]!, slots: slots[i]! }));
  const updates = addSteps(builder, optimiser, stepped, { rate, corrections });
  moved.forEach(({ parameter, weight }, i) => {
    const { name, initial, constant } = parameter;
    const { shape } = initial;
    const f = formula(builder, `${name}.step`);
    const update = updates[i]!;
    const mask = masks?.get(name);
    const output = mask === undefined ? update.weight : f.mul(update.weight, f.constant(mask));
    const start = mask === undefined ? initial : product(initial, mask);
    const own: PlacedState = { role: "weight", constant, input: weight, output, initial: start };
    state.push(own);
    slots[i]!.forEach((input, k) => {
      const of = builder.value(weight).name;
      state.push({ role: "slot", constant: null, of, input, output: update.slots[k]!, initial: zeros(shape) });
    });
    average(own, name, output);
  });
  for (const { state: own, now } of statistics) average(own, builder.value(own.input).name, now);
  return { state, scalars: { rate, corrections, averaging } };
}
