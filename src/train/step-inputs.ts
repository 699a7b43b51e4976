import { EspalierError } from "../diagnostics/index.ts";
import type { GraphBuilder, ValueId } from "../ir/index.ts";
import { allocate, sizeOf, type Tensor, tensor } from "../tensor/index.ts";

/** An input of the training graph that is fed anew at each update; penalties and `prepare` find it by its name. */
export interface StepInput {
  readonly name: string;
  /** [] for a number. */
  readonly shape: readonly number[];
  /** Its values at update `step` (from 0) of `steps`: a pure function of the two, so that a run that is resumed sees what it would have seen. */
  readonly at: (step: number, steps: number) => ArrayLike<number>;
}

/** A step input in a training graph, by the name that it has there. */
export interface PlacedStepInput extends StepInput {
  readonly input: string;
}

/** Adds the inputs; answers their values by the names that they were given with. */
export function addStepInputs(
  builder: GraphBuilder,
  inputs: readonly StepInput[],
): { readonly ids: ReadonlyMap<string, ValueId>; readonly placed: readonly PlacedStepInput[] } {
  const ids = new Map<string, ValueId>();
  const placed = inputs.map((own): PlacedStepInput => {
    if (ids.has(own.name)) throw new EspalierError("usage", `Two inputs of each update are called "${own.name}"`);
    const id = builder.input(own.name, { dtype: "float32", shape: own.shape });
    ids.set(own.name, id);
    return { ...own, input: builder.value(id).name };
  });
  return { ids, placed };
}

/** The tensors of an update by input name. Throws EspalierError "usage" when one has the wrong size or holds what is no number. */
export function stepFeeds(inputs: readonly PlacedStepInput[], step: number, steps: number): Record<string, Tensor> {
  return Object.fromEntries(inputs.map((own) => [own.input, valuesAt(own, step, steps)]));
}

function valuesAt({ name, shape, at }: StepInput, step: number, steps: number): Tensor<"float32"> {
  const values = at(step, steps);
  const data = allocate("float32", sizeOf(shape));
  if (values.length !== data.length || !Array.from(values).every(Number.isFinite))
    throw new EspalierError(
      "usage",
      `"${name}" takes ${data.length} number${data.length === 1 ? "" : "s"} at update ${step}, it was given [${Array.from(values).slice(0, 4).join(", ")}] (${values.length})`,
    );
  data.set(values);
  return tensor("float32", shape, data);
}

/** Updates at which inputs are looked at for the hash of what a run depends on: a function cannot be hashed, its values can. */
const LOOKS = 64;

/** What the inputs feed, at updates spread over a run: for the fingerprint of a checkpoint. */
export function inputSamples(inputs: readonly PlacedStepInput[], steps: number): unknown {
  const looks = Math.min(LOOKS, steps);
  const at = Array.from({ length: looks }, (_, i) => Math.floor((i * steps) / looks));
  return inputs.map((own) => [own.name, own.shape, at.map((step) => Array.from(own.at(step, steps)))]);
}
