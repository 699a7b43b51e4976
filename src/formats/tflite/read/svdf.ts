import type { ValueId } from "../../../ir/index.ts";
import { activated } from "./fused.ts";
import {
  constantWeight,
  eachStep,
  type HeldState,
  held,
  putSequence,
  rightSide,
  stackedBias,
  stateBefore,
} from "./recurrent.ts";
import type { OperatorReaders, Step } from "./step.ts";

const FEATURES = 1;
const TIME = 2;
const BIAS = 3;
const STATE = 4;

/**
 * A filter of rank r: each of the unit's r filters keeps its last `memory` products with the input and weighs them
 * (tensorflow/lite/kernels/internal/reference/svdf.h). State: [batch, filters * memory], the newest at the end.
 */
function svdf(s: Step): void {
  const o = s.options("SVDFOptions");
  const features = constantWeight(s, FEATURES, 2);
  const time = constantWeight(s, TIME, 2);
  const [filters, memory] = time.tensor.shape as [number, number];
  const units = filters / o.rank;
  if (
    !Number.isInteger(units) ||
    features.tensor.shape[0] !== filters ||
    memory < 1 ||
    s.rank(0) !== 2 ||
    s.rank(STATE) !== 2
  )
    s.fail(`SVDF of rank ${o.rank} has ${features.tensor.shape[0]} and ${filters} filters`);
  const batch = s.dim(STATE, 0);
  // The window moves as it is stored; only the newest products are rounded.
  const before = s.reshape(stateBefore(s, STATE).raw, [batch, filters, memory]);
  const product = s.node("MatMul", [s.real(0), rightSide(s, features, "features")]);
  const newest = s.node("Unsqueeze", [held(s, STATE, product, "newest").raw, s.longs([2])]);
  const older = s.node("Slice", [before, s.longs([1]), s.longs([memory]), s.longs([2])]);
  const window = memory === 1 ? newest : s.node("Concat", [older, newest], { axis: 2 });
  s.values.assign(s.at(STATE), s.reshape(window, [batch, filters * memory]));

  const seen = s.quantized(STATE) ? s.values.dequantized(window, s.at(STATE), `${s.name}/window`) : window;
  const weighed = s.node("Mul", [seen, s.values.realOf(time, `${s.name}/time`)]);
  const byUnit = s.reshape(weighed, [batch, units, o.rank * memory]);
  const sums = s.node("ReduceSum", [byUnit, s.longs([2])], { keepdims: 0 });
  s.put(0, activated(s, withBias(s, sums), o.fusedActivationFunction));
}

/** An integer bias has the scale of the state times that of the time weights. */
function withBias(s: Step, sums: ValueId): ValueId {
  if (!s.has(BIAS)) return sums;
  const stored = constantWeight(s, BIAS, 1);
  if (!s.quantized(STATE) || s.tensor(BIAS).dtype !== "int32") return s.node("Add", [sums, s.real(BIAS)]);
  const scale = Math.fround(
    s.values.quantization(s.at(STATE)).scales[0]! * s.values.quantization(s.at(TIME)).scales[0]!,
  );
  const bias = { tensor: stored.tensor, quantization: { scales: [scale], zeroPoints: [0], quantizedDimension: 0 } };
  return s.node("Add", [sums, s.values.realOf(bias, `${s.name}/bias`)]);
}

/** h = activation(W x + R h + b); inputs: x, W, R, b, h. */
function recurrence(s: Step, steps: readonly ValueId[], activation: Parameters<typeof activated>[2]): HeldState[] {
  const weights = constantWeight(s, 1, 2);
  const right = rightSide(s, weights, "weights");
  const recurrent = rightSide(s, constantWeight(s, 2, 2), "recurrent_weights");
  const bias = s.constant("bias", stackedBias(s, [3], [weights]));
  let state: HeldState = stateBefore(s, 4);
  const outputs = steps.map((x) => {
    const sums = s.node("Add", [s.node("MatMul", [x, right]), s.node("MatMul", [state.real, recurrent])]);
    state = held(s, 4, activated(s, s.node("Add", [sums, bias]), activation), "state");
    return state;
  });
  s.values.assign(s.at(4), state.raw);
  return outputs;
}

function sequenceRnn(s: Step): void {
  const o = s.options("SequenceRNNOptions");
  putSequence(s, recurrence(s, eachStep(s, o.timeMajor), o.fusedActivationFunction), 4, o.timeMajor);
}

function stepRnn(s: Step): void {
  s.put(0, recurrence(s, [s.real(0)], s.options("RNNOptions").fusedActivationFunction)[0]!.real);
}

export const RECURRENCES: OperatorReaders = {
  SVDF: { read: svdf, gives: ["MatMul", "Reshape", "Unsqueeze", "Slice", "Concat", "Mul", "ReduceSum", "Add"] },
  UNIDIRECTIONAL_SEQUENCE_RNN: { read: sequenceRnn, gives: ["MatMul", "Add", "Gather", "Unsqueeze", "Concat"] },
  RNN: { read: stepRnn, gives: ["MatMul", "Add"] },
};
