import { shapeText } from "../../../ir/index.ts";
import { fromNumbers, tensor } from "../../../tensor/index.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { irDtypeOf } from "./stored.ts";

/** Positions along one axis, for each of the leading batch_dims axes on its own. */
function gather(s: Step): void {
  const o = s.options("GatherOptions");
  const rank = s.rank(0);
  const axis = s.axis(o.axis, rank);
  const batch = o.batchDims < 0 ? o.batchDims + s.rank(1) : o.batchDims;
  if (batch === 0) {
    s.put(0, s.node("Gather", [s.real(0), s.raw(1)], { axis }));
    return;
  }
  if (batch > axis || batch > s.rank(1)) s.fail(`GATHER along axis ${axis} with batch_dims ${o.batchDims}`);
  // The gathered axis goes behind the batch axes, and what lay between goes back in front of the positions.
  const order = Array.from({ length: rank }, (_, k) => k);
  const between = order.slice(batch, axis);
  const x = s.transpose(s.real(0), [...order.slice(0, batch), axis, ...between, ...order.slice(axis + 1)]);
  const indices = s.node("Unsqueeze", [s.wide(s.raw(1)), s.longs([s.rank(1)])]);
  const y = s.node("GatherND", [x, indices], { batch_dims: batch });
  const positions = Array.from({ length: s.rank(1) - batch }, (_, k) => batch + k);
  const moved = between.map((_, k) => batch + positions.length + k);
  const rest = Array.from({ length: rank - axis - 1 }, (_, k) => batch + positions.length + between.length + k);
  s.put(0, s.transpose(y, [...order.slice(0, batch), ...moved, ...positions, ...rest]));
}

function gatherNd(s: Step): void {
  s.put(0, s.node("GatherND", [s.real(0), s.wide(s.raw(1))]));
}

/** Inputs: positions, updates, shape. Updates of one position add up. */
function scatterNd(s: Step): void {
  const shape = s.ints(2);
  const updates = s.real(1);
  const { dtype } = s.builder.value(updates).type;
  const size = shape.reduce((a, b) => a * b, 1);
  if (shape.some((dim) => dim < 0) || size > 2 ** 28) s.fail(`SCATTER_ND into ${shapeText(shape)}`);
  const zeros = s.node("ConstantOfShape", [s.longs(shape)], { value: fromNumbers(dtype, [1], [0]) });
  s.put(0, s.node("ScatterND", [zeros, s.wide(s.raw(0)), updates], { reduction: "add" }));
}

/** Inputs: ids, table. */
function embeddingLookup(s: Step): void {
  s.put(0, s.node("Gather", [s.real(1), s.raw(0)], { axis: 0 }));
}

function oneHot(s: Step): void {
  const on = s.real(2);
  const off = s.real(3);
  const one = (value: number) => s.node("Unsqueeze", [value, s.longs([0])]);
  const values = s.node("Concat", [one(off), one(on)], { axis: 0 });
  s.put(
    0,
    s.node("OneHot", [s.wide(s.raw(0)), s.scalar(s.int(1), "int64"), values], {
      axis: s.options("OneHotOptions").axis,
    }),
  );
}

function fill(s: Step): void {
  s.put(0, s.node("Expand", [s.real(1), s.vector(0)]));
}

function zerosLike(s: Step): void {
  const zero = s.scalar(0, irDtypeOf(s.outTensor()));
  s.put(0, s.node("Expand", [zero, s.node("Shape", [s.real(0)])]));
}

function range(s: Step): void {
  const [start, limit, delta] = [0, 1, 2].map((i) => s.numbers(i)[0] ?? s.fail("RANGE has an empty operand")) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= 2 ** 24)) s.fail(`RANGE from ${start} to ${limit} in steps of ${delta} has ${count} elements`);
  const values = Float64Array.from({ length: count }, (_, i) => start + i * delta);
  s.putRaw(0, s.constant("range", fromNumbers(irDtypeOf(s.outTensor()), [count], values)));
}

function rank(s: Step): void {
  s.putRaw(0, s.constant("rank", tensor("int32", [], Int32Array.of(s.rank(0)))));
}

/** The shape that two shapes broadcast to. */
function broadcastArgs(s: Step): void {
  const [a, b] = [s.ints(0), s.ints(1)];
  const length = Math.max(a.length, b.length);
  const at = (list: readonly number[], i: number) => list[i - (length - list.length)] ?? 1;
  const shape = Array.from({ length }, (_, i) => {
    const [x, y] = [at(a, i), at(b, i)];
    if (x !== y && x !== 1 && y !== 1) s.fail(`BROADCAST_ARGS of ${shapeText(a)} and ${shapeText(b)}`);
    return x === 1 ? y : x;
  });
  s.putRaw(0, s.constant("shape", fromNumbers("int32", [length], shape)));
}

export const GATHERS: OperatorReaders = {
  GATHER: { read: gather, gives: ["Gather", "GatherND", "Transpose", "Unsqueeze"] },
  GATHER_ND: { read: gatherNd, gives: ["GatherND"] },
  SCATTER_ND: { read: scatterNd, gives: ["ConstantOfShape", "ScatterND"] },
  EMBEDDING_LOOKUP: { read: embeddingLookup, gives: ["Gather"] },
  ONE_HOT: { read: oneHot, gives: ["OneHot", "Unsqueeze", "Concat"] },
  FILL: { read: fill, gives: ["Expand"] },
  ZEROS_LIKE: { read: zerosLike, gives: ["Expand", "Shape"] },
  RANGE: { read: range, gives: [] },
  RANK: { read: rank, gives: [] },
  BROADCAST_ARGS: { read: broadcastArgs, gives: [] },
};
