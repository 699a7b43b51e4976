import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { TrainingGraph } from "./training-graph.ts";

/** What the optimiser remembers of each weight, by the id of the constant: tensors of the weight's shape. */
export type OptimiserMemory = ReadonlyMap<ValueId, readonly Tensor<"float32">[]>;

/**
 * A part of a run: its updates from `from` up to `to`, each with the rate, batches and step inputs that it has in the whole. Between two parts the model may be
 * looked at and changed, cut for example; the memory of the part before is then to be cut alike.
 */
export interface Segment {
  readonly from: number;
  readonly to: number;
  /** Of the part before; weights that are absent start with none. */
  readonly memory?: OptimiserMemory;
}

/** Refuses parts that are none of a run of so many updates. */
export function checkSegment({ from, to }: Segment, steps: number): void {
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= steps))
    throw new EspalierError("usage", `A run of ${steps} updates has no part from ${from} to ${to}`);
}

/** The slots of the optimiser's memory with the constant that each belongs to. */
function slotsOf({ state }: TrainingGraph): { readonly at: number; readonly constant: ValueId }[] {
  const owners = new Map(state.flatMap(({ role, input, constant }) => (role === "weight" ? [[input, constant]] : [])));
  return state.flatMap(({ role, of }, at) => {
    const constant = role === "slot" ? owners.get(of!) : undefined;
    return constant === undefined || constant === null ? [] : [{ at, constant }];
  });
}

/** The training graph with its optimiser starting from a memory. Throws EspalierError "internal" for a memory of another shape. */
export function withMemory(training: TrainingGraph, memory: OptimiserMemory): TrainingGraph {
  const state = [...training.state];
  const seen = new Map<ValueId, number>();
  for (const { at, constant } of slotsOf(training)) {
    const index = seen.get(constant) ?? 0;
    seen.set(constant, index + 1);
    const slots = memory.get(constant);
    if (slots === undefined) continue;
    const { initial, input } = state[at]!;
    const own = slots[index];
    if (own === undefined || own.data.length !== initial.data.length)
      throw new EspalierError("internal", `internal: the optimiser's memory does not fit "${input}"`);
    state[at] = { ...state[at]!, initial: own };
  }
  return { ...training, state };
}

/** What the optimiser remembers; `read` gives the present value of a state tensor by its place. */
export function presentMemory(training: TrainingGraph, read: (place: number) => Tensor<"float32">): OptimiserMemory {
  const memory = new Map<ValueId, Tensor<"float32">[]>();
  for (const { at, constant } of slotsOf(training)) memory.set(constant, [...(memory.get(constant) ?? []), read(at)]);
  return memory;
}
