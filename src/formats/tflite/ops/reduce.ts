import { normalAxis } from "../../../ir/index.ts";
import { contextOf, reducedAxes } from "../../../ops/index.ts";
import { agreedLayout, ownLayout } from "../agreement.ts";
import { type BuiltinOperator, tfliteOptions } from "../codec/index.ts";
import { identityLayout, without } from "../layout.ts";
import type { Lowering } from "../step-context.ts";

function reduction(opcode: BuiltinOperator, int8: boolean, sameScale = false): Lowering {
  return {
    int8,
    int16: opcode === "MEAN" || opcode === "REDUCE_MAX" || opcode === "REDUCE_MIN",
    lower: (c) => {
      const axes = reducedAxes(contextOf(c.placement.plan.graph, c.step.node) as never);
      const layout = ownLayout(c);
      const keepDims = c.attr<number>("keepdims") === 1;
      const x = c.read(0, layout, c.int8 && sameScale ? c.outQuantization() : undefined);
      const where = c.vector(
        "axes",
        layout.flatMap((axis, i) => (axes.includes(axis) ? [i] : [])),
      );
      const y = c.write(0, keepDims ? layout : without(layout, axes));
      c.emit(opcode, [x, where], [y], tfliteOptions("ReducerOptions", { keepDims }));
    },
  };
}

function argument(opcode: "ARG_MAX" | "ARG_MIN"): Lowering {
  return {
    int8: false,
    lower: (c) => {
      const rank = c.shape(0).length;
      const axis = normalAxis(c.attr<number>("axis"), rank);
      if (c.attr<number>("select_last_index") !== 0)
        c.refuse(`${c.step.op} of the last index has no TFLite form`, "Take the first index.");
      const layout = agreedLayout(c, [0]);
      const x = c.placement.read(
        c.id(0),
        c.shape(0).length === layout.length ? layout : identityLayout(rank),
        "as-is",
        c.name,
      );
      const own = c.shape(0).length === layout.length ? layout : identityLayout(rank);
      const keep = c.attr<number>("keepdims") === 1;
      const reduced = without(own, [axis]);
      const outShape = c.outShape();
      const dimension = c.store("axis", {
        tensor: { dtype: "int32", shape: [], data: Int32Array.of(own.indexOf(axis)) },
      });
      const options = tfliteOptions(opcode === "ARG_MAX" ? "ArgMaxOptions" : "ArgMinOptions", { outputType: "INT32" });
      if (!keep) {
        c.emit(opcode, [x, dimension], [c.write(0, reduced)], options);
        return;
      }
      const bare = own.filter((a) => a !== axis).map((a) => (a < 0 ? 1 : outShape[a]!));
      const index = c.placement.assembly.tensor(`${c.name}.index`, bare, "int32");
      c.emit(opcode, [x, dimension], [index], options);
      c.placement.reshape(index, c.write(0, own));
    },
  };
}

export const ReduceMean = reduction("MEAN", true);
export const ReduceSum = reduction("SUM", true);
export const ReduceMax = reduction("REDUCE_MAX", true, true);
export const ReduceMin = reduction("REDUCE_MIN", true, true);
export const ReduceProd = reduction("REDUCE_PROD", false);
export const ArgMax = argument("ARG_MAX");
export const ArgMin = argument("ARG_MIN");
