import type { Node, ValueId } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { type Family, supportOf } from "./family.ts";

/** Ids [groups, columns] laid over a block weight's rows: row r of the weight sees the ids of its group. */
function overRows(ids: Int32Array, rows: number, groups: number): Int32Array {
  const columns = ids.length / groups;
  const out = new Int32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const group = Math.floor((r * groups) / rows);
    out.set(ids.subarray(group * columns, (group + 1) * columns), r * columns);
  }
  return out;
}

/** Each id `times` times in a row. */
function repeated(ids: Int32Array, times: number): Int32Array {
  const out = new Int32Array(ids.length * times);
  for (let i = 0; i < out.length; i++) out[i] = ids[Math.floor(i / times)]!;
  return out;
}

function onAxis(rank: number, axis: number, ids: Int32Array): Family {
  return { shape: Array.from({ length: rank }, (_, i) => (i === axis ? ids.length : 1)), ids };
}

/**
 * A convolution in blocks. The weight is [Cout, Cin/groups, ...], or [Cin, Cout/groups, ...] when transposed: its first axis carries one
 * side's ids and its first two axes together the other side's, since each row sees its own group's columns. Group i of the input and
 * group i of the output go together; inside a group the choice is free but must be equally large in all groups.
 */
export function coupleBlocks(
  coupling: Coupling,
  node: Node,
  groups: number,
  transposed: boolean,
  reason: string,
): void {
  const [x, weight, bias] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2] ?? null];
  const y = node.outputs[0]!;
  const rank = coupling.shapeOf(x).length;
  const inputs = coupling.shapeOf(x)[1] as number;
  const outputs = coupling.shapeOf(y)[1] as number;
  const constants = [weight, bias].filter((id) => id !== null);
  const ready = constants.every((id) => coupling.isConstant(id) && coupling.known(id).length === 0);
  const channels = channelIds(coupling, x, inputs, ready ? reason : "shared-blocks");
  if (!ready) {
    for (const id of [x, ...constants]) coupling.pinAxes(id, "shared-blocks");
    coupling.setOutput(y, []);
    return;
  }
  const depthwise = inputs === groups;
  const out = depthwise ? repeated(channels, outputs / groups) : coupling.ids.fresh(outputs);
  const weightRank = coupling.shapeOf(weight).length;
  for (let axis = 2; axis < weightRank; axis++) coupling.pin(weight, axis, "mixed");
  const [first, second] = transposed ? [channels, out] : [out, channels];
  if (first.length > 1) coupling.adopt(weight, onAxis(weightRank, 0, first));
  const columns = second.length / groups;
  if (columns > 1)
    coupling.adopt(weight, {
      shape: Array.from({ length: weightRank }, (_, i) => (i === 0 ? first.length : i === 1 ? columns : 1)),
      ids: overRows(second, first.length, groups),
    });
  if (bias !== null && out.length > 1) coupling.adopt(bias, onAxis(1, 0, out));
  if (!depthwise) {
    coupling.contractions.push({
      node,
      operands: [
        { input: 0, axis: 1 },
        { input: 1, axis: transposed ? 0 : 1 },
      ],
    });
    linkGroups(coupling, channels, out, groups);
  }
  coupling.setOutput(y, out.length > 1 ? [onAxis(rank, 1, out)] : []);
}

/** One id a channel (frozen ones where the channels are not tracked); tracked spatial axes are frozen. */
function channelIds(coupling: Coupling, x: ValueId, size: number, reason: string): Int32Array {
  let ids: Int32Array | null = null;
  for (const family of coupling.known(x)) {
    const support = supportOf(family);
    if (support.some((axis) => axis > 1)) coupling.freezeFamily(family, "mixed");
    else if (support.includes(1)) {
      const own = coupling.project(family, [1]);
      if (ids === null) ids = own.ids;
      else coupling.unify(ids, own.ids);
    }
  }
  if (ids !== null) return ids;
  const blind = coupling.ids.fresh(size);
  for (const id of blind) coupling.ids.freeze(id, reason);
  return blind;
}

function linkGroups(coupling: Coupling, channels: Int32Array, out: Int32Array, groups: number): void {
  const grid = (ids: Int32Array): Family => ({ shape: [groups, ids.length / groups], ids });
  const rows = (ids: Int32Array) => (ids.length === groups ? ids : coupling.project(grid(ids), [0]).ids);
  coupling.grids.push(grid(channels), grid(out));
  coupling.unify(rows(channels), rows(out));
}
