import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import type { Formula } from "../../ops/index.ts";
import { float32, int64s, sizeOf, toFloat32 } from "../../tensor/index.ts";
import { type Penalty, trainableConstants } from "../../train/index.ts";
import { sumsAlong } from "../element-sums.ts";
import { type PruneGroup, sliceKey } from "../group-types.ts";

/** A trained weight of a group, and where each unit lies on its axes. */
export interface UnitWeight {
  readonly value: ValueId;
  readonly name: string;
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  /** By unit: positions row-major over `axes`. */
  readonly positions: readonly (readonly number[])[];
}

/** The trained weights that hold units of a group; `counts` says which of them are wanted (default: all). */
export function unitWeights(
  graph: Graph,
  group: PruneGroup,
  counts: (value: ValueId) => boolean = () => true,
): UnitWeight[] {
  const trained = new Set(trainableConstants(graph));
  return group.members.flatMap(({ value, axes }) => {
    if (!trained.has(value) || !counts(value)) return [];
    const key = sliceKey({ value, axes });
    const positions = group.units.map((unit) =>
      unit.slices.filter((slice) => sliceKey(slice) === key).flatMap((slice) => slice.positions),
    );
    const { name, type } = valueById(graph, value);
    return [{ value, name, shape: type.shape as readonly number[], axes, positions }];
  });
}

/** Elements of a weight at one position on the unit's axes. */
function elementsAt({ shape, axes }: UnitWeight): number {
  return sizeOf(shape.filter((_, axis) => !axes.includes(axis)));
}

/** Number of elements of each unit of a group, over its trained weights. */
export function unitSizes(group: PruneGroup, weights: readonly UnitWeight[]): Float64Array {
  return Float64Array.from(group.units, (_, i) =>
    weights.reduce((sum, weight) => sum + weight.positions[i]!.length * elementsAt(weight), 0),
  );
}

/** Sum of a rule over the elements of each unit of a group, by unit: squares give squared norms. */
export function unitSums(
  graph: Graph,
  group: PruneGroup,
  weights: readonly UnitWeight[],
  rule: (weight: number) => number,
): Float64Array {
  const sums = new Float64Array(group.size);
  for (const { value, axes, positions } of weights) {
    const data = valueById(graph, value).data!;
    const values = toFloat32(data);
    const along = sumsAlong(data.shape, axes, values, values, rule);
    for (let i = 0; i < sums.length; i++) for (const position of positions[i]!) sums[i]! += along[position]!;
  }
  return sums;
}

/**
 * The same in a graph: the sums [units] over all weights of a group, of `rule` applied to each weight. Null where none of the weights is trained. Positions of a unit
 * are gathered by constants; a unit with fewer of them than another reads zeros in their place.
 */
export function addUnitSums(
  f: Formula,
  weights: readonly UnitWeight[],
  find: Parameters<Penalty["add"]>[1]["weight"],
  rule: (f: Formula, weight: ValueId) => ValueId,
): ValueId | null {
  const parts = weights.flatMap((weight) => {
    const id = find(weight.name);
    return id === null ? [] : [addPart(f, weight, rule(f, id))];
  });
  return parts.length === 0 ? null : parts.reduce((sum, part) => f.add(sum, part));
}

function addPart(f: Formula, { shape, axes, positions }: UnitWeight, applied: ValueId): ValueId {
  const others = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const size = sizeOf(axes.map((axis) => shape[axis]!));
  const along = f.reshape(f.sum(applied, others, false), [size]);
  const units = positions.length;
  const width = Math.max(1, ...positions.map((own) => own.length));
  if (width === 1 && size === units && positions.every((own, i) => own[0] === i)) return along;
  const indices = positions.flatMap((own) => Array.from({ length: width }, (_, k) => own[k] ?? size));
  const full = indices.every((index) => index < size);
  const source = full ? along : f.node("Concat", [along, f.constant(float32([1], [0]))], { axis: 0 });
  const taken = f.node("Gather", [source, f.constant(int64s(indices))], { axis: 0 });
  return width === 1 ? taken : f.sum(f.reshape(taken, [units, width]), [1], false);
}
