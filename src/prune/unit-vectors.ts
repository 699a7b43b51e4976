import { type Graph, valueById } from "../ir/index.ts";
import { permute, sizeOf, toFloat32 } from "../tensor/index.ts";
import { type GroupMember, type PruneGroup, sliceKey } from "./group-types.ts";

/** A unit's elements of one member, position by position, for each unit of a group; empty for units that have none there. */
export function unitVectors(
  graph: Graph,
  group: PruneGroup,
  member: Pick<GroupMember, "value" | "axes">,
): Float32Array[] {
  const weight = valueById(graph, member.value).data!;
  const rest = Array.from(weight.shape.keys()).filter((axis) => !member.axes.includes(axis));
  const blocks = toFloat32(permute(weight, [...member.axes, ...rest]));
  const length = sizeOf(rest.map((axis) => weight.shape[axis]!));
  const key = sliceKey(member);
  return group.units.map((unit) => {
    const positions = unit.slices.filter((slice) => sliceKey(slice) === key).flatMap((slice) => slice.positions);
    const vector = new Float32Array(positions.length * length);
    positions.forEach((position, i) => {
      vector.set(blocks.subarray(position * length, (position + 1) * length), i * length);
    });
    return vector;
  });
}
