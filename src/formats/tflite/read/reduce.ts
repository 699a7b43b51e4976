import type { ValueId } from "../../../ir/index.ts";
import type { OperatorReaders, ReadOperator, Step } from "./step.ts";

/** A reduction over the axes in input 1. */
function reduced(s: Step, op: string, x: ValueId): ValueId {
  const rank = s.rank(0);
  const axes = [...new Set(s.ints(1).map((axis) => s.axis(axis, rank)))].sort((a, b) => a - b);
  if (axes.length === 0) return x;
  return s.node(op, [x, s.longs(axes)], { keepdims: s.options("ReducerOptions").keepDims ? 1 : 0 });
}

const reduction = (op: string) => ({
  read: ((s) => s.put(0, reduced(s, op, s.real(0)))) satisfies ReadOperator,
  gives: [op],
});

/** Over truth values: the greatest or least of 0 and 1. */
const logical = (op: string) => ({
  read: ((s) => s.putRaw(0, s.cast(reduced(s, op, s.cast(s.raw(0), "int32")), "bool"))) satisfies ReadOperator,
  gives: ["Cast", op],
});

const position = (op: string): ReadOperator => {
  return (s) => {
    const found = s.node(op, [s.real(0)], { axis: s.axis(s.int(1), s.rank(0)), keepdims: 0 });
    s.putRaw(0, s.outTensor().dtype === "int64" ? found : s.cast(found, "int32"));
  };
};

function topK(s: Step): void {
  const [values, indices] = s.nodes("TopK", [s.real(0), s.longs([s.int(1)])], { axis: -1 }, 2) as [ValueId, ValueId];
  s.put(0, values);
  s.putRaw(1, s.outTensor(1).dtype === "int64" ? indices : s.cast(indices, "int32"));
}

function cumulative(s: Step): void {
  const o = s.options("CumsumOptions");
  const attrs = { exclusive: o.exclusive ? 1 : 0, reverse: o.reverse ? 1 : 0 };
  s.put(0, s.node("CumSum", [s.real(0), s.scalar(s.int(1), "int64")], attrs));
}

export const REDUCTIONS: OperatorReaders = {
  MEAN: reduction("ReduceMean"),
  SUM: reduction("ReduceSum"),
  REDUCE_PROD: reduction("ReduceProd"),
  REDUCE_MAX: reduction("ReduceMax"),
  REDUCE_MIN: reduction("ReduceMin"),
  REDUCE_ANY: logical("ReduceMax"),
  REDUCE_ALL: logical("ReduceMin"),
  ARG_MAX: { read: position("ArgMax"), gives: ["ArgMax", "Cast"] },
  ARG_MIN: { read: position("ArgMin"), gives: ["ArgMin", "Cast"] },
  TOPK_V2: { read: topK, gives: ["TopK", "Cast"] },
  CUMSUM: { read: cumulative, gives: ["CumSum"] },
};
