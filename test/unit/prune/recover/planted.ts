import type { Graph, ValueId } from "../../../../src/ir/index.ts";
import { newBuilder } from "../../../../src/ops/index.ts";
import {
  type Cut,
  type Feeds,
  findGroups,
  type PruneGroups,
  type RecoverOptions,
  recover,
} from "../../../../src/prune/index.ts";
import { float32, seededRandom, toFloat32 } from "../../../../src/tensor/index.ts";
import { groupNamed, run } from "../draw.ts";

/** Builds graphs whose maker `make.w` [units, ...] has a unit that is a mixture of others, or one that is constant. */
export function planter(name: string) {
  const builder = newBuilder(name);
  const random = seededRandom(3, name);
  const values = (n: number) => Array.from({ length: n }, () => random.normal());
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  return {
    builder,
    random,
    weight: (label: string, ...shape: number[]): ValueId =>
      builder.constant(label, float32(shape, values(size(shape)))),
    /** Rows by axis 0; row `unit` is 0.5 times one row minus 2 times another, or what `rows` makes of all. */
    mixed: (label: string, shape: readonly number[], mixtures: Readonly<Record<number, readonly [number, number]>>) => {
      const width = size(shape.slice(1));
      const rows = Array.from({ length: shape[0]! }, () => values(width));
      for (const [unit, [a, b]] of Object.entries(mixtures))
        rows[Number(unit)] = rows[a]!.map((value, i) => 0.5 * value - 2 * rows[b]![i]!);
      return builder.constant(label, float32(shape, rows.flat()));
    },
    node: (op: string, inputs: (ValueId | null)[], attrs = {}, label = op): ValueId =>
      builder.node(op, inputs, attrs, { name: label }),
    input: (...shape: (number | string)[]) => builder.input("x", { dtype: "float32", shape }),
    done: (output: ValueId): Graph => {
      builder.output(output);
      return builder.build();
    },
  };
}

/** Batches of normal values for the graph's input. */
export function feedsFor(graph: Graph, count: number, batch = 8, label = "feeds"): Feeds[] {
  const random = seededRandom(5, label);
  const { name, type } = graph.values.get(graph.inputs[0]!)!;
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : batch));
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, () => ({
    [name]: float32(
      shape,
      Array.from({ length: size }, () => random.normal()),
    ),
  }));
}

/** The units of group `name` at the given places, as a cut. */
export function cutUnits(groups: PruneGroups, name: string, units: readonly number[]): Cut {
  const group = groupNamed(groups, name);
  return new Set(units.map((unit) => group.units[unit]!.id));
}

/** Largest difference between two graphs' outputs on other samples than those they were fitted to, over the largest output. */
export async function differenceOf(original: Graph, other: Graph): Promise<number> {
  const [feeds] = feedsFor(original, 1, 16, "unseen");
  const outputs = await Promise.all([original, other].map((graph) => run(graph, feeds!)));
  const [a, b] = outputs.map((result) => toFloat32(Object.values(result)[0]!)) as [Float32Array, Float32Array];
  let [largest, difference] = [0, 0];
  a.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - b[i]!));
  });
  return difference / largest;
}

/** Cuts units of the group that `make.w` makes and recovers, on one thread. */
export async function recoverUnits(
  graph: Graph,
  units: readonly number[],
  options: RecoverOptions,
  feeds: readonly Feeds[] = feedsFor(graph, 8),
) {
  const groups = findGroups(graph);
  return recover(graph, groups, cutUnits(groups, "make.w", units), feeds, { threads: 1, ...options });
}
