import { type Graph, valueById } from "../ir/index.ts";
import { toFloat32 } from "../tensor/index.ts";
import type { SampleCriterion } from "./criteria/index.ts";
import { sumsAlong } from "./element-sums.ts";
import { type GroupMember, type PruneGroup, type PruneGroups, sliceKey } from "./group-types.ts";

/** Sums over samples for a criterion of sample gradients; `add` fits `fisherDiagonal`'s `accumulate`. */
export interface SampleProducts {
  readonly add: (gradients: ReadonlyMap<string, Float32Array>) => void;
  /** Mean over the samples, by group id; groups without a weight that has gradients are absent. */
  readonly scores: () => Map<number, Float64Array[]>;
}

/**
 * For each unit and sample the sum of weight x gradient over the weights that read the unit (those that make it, where none reads it): the gradient
 * of a mask on the unit, since scaling an input channel of a weight is scaling the activation.
 */
export function sampleProducts(graph: Graph, groups: PruneGroups, criterion: SampleCriterion): SampleProducts {
  const sums = new Map<number, Float64Array>();
  let samples = 0;
  return {
    add: (gradients) => {
      samples++;
      const known = new Map<number, Float64Array>();
      for (const group of groups.groups) {
        const products = productsOf(graph, group, gradients, known);
        if (products === null) continue;
        const sum = sums.get(group.id) ?? new Float64Array(group.size);
        sums.set(group.id, sum);
        for (let i = 0; i < sum.length; i++) sum[i]! += criterion.sample(products[i]!);
      }
    },
    scores: () => new Map([...sums].map(([id, sum]) => [id, [sum.map((total) => total / Math.max(1, samples))]])),
  };
}

function productsOf(
  graph: Graph,
  group: PruneGroup,
  gradients: ReadonlyMap<string, Float32Array>,
  known: Map<number, Float64Array>,
): Float64Array | null {
  const usable = group.members.filter((member) => gradients.has(valueById(graph, member.value).name));
  const readers = usable.filter((member) => member.role === "in");
  const members = readers.length > 0 ? readers : usable.filter((member) => member.role === "out");
  if (members.length === 0) return null;
  const products = new Float64Array(group.size);
  for (const member of members) {
    const key = sliceKey(member);
    const along = known.get(key) ?? productsAlong(graph, member, gradients);
    known.set(key, along);
    group.units.forEach((unit, i) => {
      for (const slice of unit.slices)
        if (sliceKey(slice) === key) for (const position of slice.positions) products[i]! += along[position]!;
    });
  }
  return products;
}

function productsAlong(graph: Graph, member: GroupMember, gradients: ReadonlyMap<string, Float32Array>): Float64Array {
  const { name, data } = valueById(graph, member.value);
  return sumsAlong(data!.shape, member.axes, toFloat32(data!), gradients.get(name)!, (w, g) => w * g);
}
