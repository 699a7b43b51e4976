import type { ValueId } from "../../../ir/index.ts";
import { DTYPES, scalar } from "../../../tensor/index.ts";
import { asInt64, cast, constant, dtypeOf, ints, intsOf, op, ops, rankOf, reduce } from "../emit/scope.ts";
import type { NodeContext, OpReader, OpReaders } from "./context.ts";

/** Axes 1 of the inputs; none given is no reduction at all (TF.js, util.parseAxisParam). */
function reduced(c: NodeContext, type: string, x: ValueId): ValueId {
  const axes =
    c.inputs.length > 1
      ? intsOf(c, c.input(1), "The axes of a reduction")
      : Array.from({ length: rankOf(c, x) }, (_, i) => i);
  if (axes.length === 0) return x;
  return reduce(c, type, x, axes, c.attrs.bool("keep_dims", false));
}

function reduction(type: string): OpReader {
  return (c) => {
    const x = c.input(0);
    return reduced(c, type, dtypeOf(c, x) === "bool" ? cast(c, x, "int32") : x);
  };
}

/** All and Any over bools: the least and the greatest of 0 and 1. */
function logical(type: string): OpReader {
  return (c) => cast(c, reduced(c, type, cast(c, c.input(0), "int32")), "bool");
}

function mean(c: NodeContext): ValueId {
  const x = c.input(0);
  return reduced(c, "ReduceMean", DTYPES[dtypeOf(c, x)].float ? x : cast(c, x, "float32"));
}

function argument(type: string): OpReader {
  return (c) => {
    const axis = c.inputs.length > 1 ? intsOf(c, c.input(1), `The axis of ${c.op}`)[0]! : 0;
    return cast(c, op(c, type, [c.input(0)], { axis, keepdims: 0 }), "int32");
  };
}

/** The k greatest of the last axis, sorted. */
function topK(c: NodeContext): readonly ValueId[] {
  const [k] = intsOf(c, c.input(1), "k of TopKV2");
  const [values, indices] = ops(c, "TopK", [c.input(0), ints(c, "k", [k!])], { axis: -1, largest: 1, sorted: 1 }, 2);
  return [values!, cast(c, indices!, "int32")];
}

function cumulative(c: NodeContext): ValueId {
  const [axis] = intsOf(c, c.input(1), "The axis of Cumsum");
  const attrs = {
    exclusive: c.attrs.bool("exclusive", false) ? 1 : 0,
    reverse: c.attrs.bool("reverse", false) ? 1 : 0,
  };
  return op(c, "CumSum", [c.input(0), asInt64(c, constant(c, "axis", scalar("int64", axis!)))], attrs);
}

/** Reductions, and what ranks or accumulates along an axis. */
export const REDUCTION: OpReaders = {
  All: logical("ReduceMin"),
  Any: logical("ReduceMax"),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
  Cumsum: cumulative,
  Max: reduction("ReduceMax"),
  Mean: mean,
  Min: reduction("ReduceMin"),
  Prod: reduction("ReduceProd"),
  Sum: reduction("ReduceSum"),
  TopKV2: topK,
};
