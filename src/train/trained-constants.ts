import type { ValueId } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { fusedWeight } from "./adapters.ts";
import type { TrainingGraph } from "./training-graph.ts";

/**
 * What training made of the constants of the original graph, by id: weights and running statistics, their moving averages where there are any, and
 * adapters fused into the weights that they adapt. `read` gives the present value of a state tensor by its place.
 */
export function trainedConstants(
  training: TrainingGraph,
  read: (place: number) => Tensor<"float32">,
): Map<ValueId, Tensor<"float32">> {
  const { state, adapters } = training;
  const averaged = new Map(state.flatMap(({ role, of }, i) => (role === "average" ? [[of!, i] as const] : [])));
  const byInput = new Map(state.map(({ input }, i) => [input, averaged.get(input) ?? i]));
  const constants = new Map<ValueId, Tensor<"float32">>();
  for (const { constant, role, input } of state)
    if (constant !== null && (role === "weight" || role === "statistic"))
      constants.set(constant, read(byInput.get(input)!));
  for (const { constant, weight, left, right, scale } of adapters)
    constants.set(constant, fusedWeight(weight, read(byInput.get(left)!), read(byInput.get(right)!), scale));
  return constants;
}
