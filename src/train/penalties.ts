import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import { type Formula, formula } from "../ops/index.ts";
import type { Parameter } from "./parameters.ts";
import type { StepInput } from "./step-inputs.ts";

/** What a penalty may be made of. */
export interface PenaltySources {
  /** The present value of what is trained under a name; null where nothing of the name is. */
  readonly weight: (name: string) => ValueId | null;
  /** One of `stepInputs`. */
  readonly input: (name: string) => ValueId;
}

/** A term of the loss that is about weights and not about samples; the reverse walk differentiates it like the rest. */
export interface Penalty {
  readonly name: string;
  /** Its factor in the loss; one that changes is asked for before each update (from 0) of so many, and must be a pure function of the two. */
  readonly strength: number | ((step: number, steps: number) => number);
  /** Adds the nodes of the penalty; answers a number (shape []). */
  readonly add: (f: Formula, sources: PenaltySources) => ValueId;
}

const inputName = (penalty: Penalty) => `${penalty.name}.strength`;

/** The inputs of penalties whose strength changes. */
export function strengthInputs(penalties: readonly Penalty[]): StepInput[] {
  return penalties.flatMap((penalty): StepInput[] => {
    const { strength } = penalty;
    if (typeof strength === "number") return [];
    return [{ name: inputName(penalty), shape: [], at: (step, steps) => [strength(step, steps)] }];
  });
}

/** The loss with the penalties added. `inputs` are the step inputs, those of `strengthInputs` among them. */
export function addPenalties(
  f: Formula,
  loss: ValueId,
  penalties: readonly Penalty[],
  parameters: readonly Parameter[],
  inputs: ReadonlyMap<string, ValueId>,
): ValueId {
  const weights = new Map(parameters.map(({ name, input }) => [name, input]));
  const input = (name: string): ValueId => {
    const id = inputs.get(name);
    if (id === undefined)
      throw new EspalierError("usage", `A penalty asks for the input "${name}", which is not given`);
    return id;
  };
  return penalties.reduce((sum, penalty) => {
    const g = formula(f.builder, penalty.name);
    const term = penalty.add(g, { weight: (name) => weights.get(name) ?? null, input });
    if (g.shape(term).length !== 0)
      throw new EspalierError("usage", `A penalty is a number, "${penalty.name}" has ${g.shape(term).length} axes`);
    const { strength } = penalty;
    const factor = typeof strength === "number" ? g.number(checked(strength, penalty.name)) : input(inputName(penalty));
    return g.add(sum, g.mul(term, factor));
  }, loss);
}

function checked(strength: number, name: string): number {
  if (Number.isFinite(strength) && strength >= 0) return strength;
  throw new EspalierError("usage", `The penalty "${name}" has strength ${strength}`, {
    hint: "Give a number from 0 on.",
  });
}
