import type { ValueId } from "../../../ir/index.ts";
import { checkWindow, padsOf, spatial } from "./conv.ts";
import { activated } from "./fused.ts";
import type { OperatorReaders, ReadOperator, Step } from "./step.ts";

/** A pool over [batch, height, width, channels]; averages leave the padding out of the count. */
function pool(make: (s: Step, x: ValueId, attrs: Record<string, readonly number[]>) => ValueId): ReadOperator {
  return (s) => {
    const o = s.options("Pool2DOptions");
    if (s.rank(0) !== 4) s.refuse(`${s.operator.opcode} of a tensor of rank ${s.rank(0)} is not supported`);
    const kernel = [o.filterHeight, o.filterWidth];
    const strides = [o.strideH, o.strideW];
    checkWindow(s, [kernel, strides]);
    const pads = padsOf(o.padding, spatial(s, 0), kernel, strides, [1, 1]);
    const y = make(s, s.real(0, "first"), { kernel_shape: kernel, strides, pads });
    s.put(0, activated(s, y, o.fusedActivationFunction), "first");
  };
}

const average = pool((s, x, attrs) => s.node("AveragePool", [x], attrs));
const max = pool((s, x, attrs) => s.node("MaxPool", [x], attrs));
const rootMeanSquare = pool((s, x, attrs) => s.node("Sqrt", [s.node("AveragePool", [s.node("Mul", [x, x])], attrs)]));

export const POOLS: OperatorReaders = {
  AVERAGE_POOL_2D: { read: average, gives: ["AveragePool"] },
  MAX_POOL_2D: { read: max, gives: ["MaxPool"] },
  L2_POOL_2D: { read: rootMeanSquare, gives: ["Mul", "AveragePool", "Sqrt"] },
};
