import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { float32, sizeOf, type Tensor, tensor } from "../../tensor/index.ts";
import type { OptimiserMemory } from "../../train/index.ts";
import { compact } from "../compact.ts";
import { resolveCut } from "../cut.ts";
import type { Cut, PruneGroups } from "../group-types.ts";
import { cutGraph } from "../rewrite.ts";

/** Where each element of a cut weight lies in the whole weight (row-major), by the id of the constant; weights that lose nothing are absent. */
export type Places = ReadonlyMap<ValueId, Int32Array>;

/** A cut with what carries values between the graph before and after it. */
export interface Slicing {
  /** The cut graph, with the weights of the graph that the groups are of. */
  readonly graph: Graph;
  readonly places: Places;
}

/** Cuts the graph of the groups and finds where the elements of every float32 constant went. */
export function slicingOf(groups: PruneGroups, cut: Cut): Slicing {
  const { graph } = groups.state.coupling;
  const places = new Map<ValueId, Int32Array>();
  for (const [id, kept] of resolveCut(groups, cut).kept) {
    const { data } = valueById(graph, id);
    if (data?.dtype !== "float32") continue;
    const all = tensor("int32", data.shape, Int32Array.from(data.data.keys()));
    places.set(id, compact(all, kept).data as Int32Array);
  }
  return { graph: cutGraph(graph, groups, cut), places };
}

/** The elements of a whole weight that a cut leaves. */
export function sliced(whole: Tensor, places: Int32Array, shape: readonly number[]): Tensor<"float32"> {
  const data = whole.data as Float32Array;
  return float32(
    shape,
    Float32Array.from(places, (at) => data[at]!),
  );
}

/** The whole weight with the elements of a cut one in their places. */
export function restored(whole: Tensor, part: Tensor, places: Int32Array): Tensor<"float32"> {
  const data = (whole.data as Float32Array).slice();
  const from = part.data as Float32Array;
  places.forEach((at, i) => {
    data[at] = from[i]!;
  });
  return float32(whole.shape as readonly number[], data);
}

/** The cut graph with the weights of `whole`, a graph that differs from the one of the groups in weights only. */
export function slicedGraph({ graph, places }: Slicing, whole: Graph): Graph {
  const builder = editGraph(graph);
  for (const { id, data, type } of graph.values.values()) {
    const own = whole.values.get(id)?.data;
    if (data?.dtype !== "float32" || own === undefined) continue;
    const at = places.get(id);
    builder.setConstant(id, at === undefined ? own : sliced(own, at, type.shape as readonly number[]));
  }
  return builder.build();
}

/** `whole` with the weights of a cut graph in their places; what the cut took keeps what it was. */
export function restoredGraph({ places }: Pick<Slicing, "places">, whole: Graph, part: Graph): Graph {
  const builder = editGraph(whole);
  for (const { id, data } of part.values.values()) {
    const own = whole.values.get(id)?.data;
    if (data?.dtype !== "float32" || own === undefined) continue;
    const at = places.get(id);
    builder.setConstant(id, at === undefined ? data : restored(own, data, at));
  }
  return builder.build();
}

/** The optimiser's memory for the cut graph. */
export function slicedMemory({ graph, places }: Slicing, memory: OptimiserMemory): OptimiserMemory {
  return new Map(
    [...memory].flatMap(([id, slots]) => {
      const value = graph.values.get(id);
      if (value === undefined) return [];
      const at = places.get(id);
      const shape = value.type.shape as readonly number[];
      return [[id, at === undefined ? slots : slots.map((slot) => sliced(slot, at, shape))] as const];
    }),
  );
}

/** The memory of a cut graph for the whole graph: nothing is remembered of what is gone. */
export function restoredMemory({ places }: Slicing, whole: Graph, memory: OptimiserMemory): OptimiserMemory {
  return new Map(
    [...memory].flatMap(([id, slots]) => {
      const at = places.get(id);
      if (at === undefined) return [[id, slots] as const];
      const shape = valueById(whole, id).type.shape as readonly number[];
      const none = tensor("float32", shape, new Float32Array(sizeOf(shape)));
      return [[id, slots.map((slot) => restored(none, slot, at))] as const];
    }),
  );
}
