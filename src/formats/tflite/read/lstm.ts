import { shapeText, type ValueId } from "../../../ir/index.ts";
import { tensor } from "../../../tensor/index.ts";
import type { ActivationFunctionType } from "../codec/index.ts";
import { activated, clip } from "./fused.ts";
import {
  constantWeight,
  eachStep,
  type HeldState,
  held,
  putSequence,
  rightSide,
  rounded16,
  stacked,
  stackedBias,
  stateBefore,
} from "./recurrent.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { permuted, reshaped, type Stored } from "./stored.ts";

/** Where the operands of UNIDIRECTIONAL_SEQUENCE_LSTM stand; gates in TFLite's order: input, forget, cell, output (tensorflow/lite/kernels/lstm_shared.h). */
const WEIGHTS = [1, 2, 3, 4];
const RECURRENT = [5, 6, 7, 8];
const PEEPHOLES = [9, 10, 11];
const BIASES = [12, 13, 14, 15];
const PROJECTION = 16;
const PROJECTION_BIAS = 17;
const OUTPUT_STATE = 18;
const CELL_STATE = 19;
const NORMS = [20, 21, 22, 23];
/** Added to the variance of a gate before the root (tensorflow/lite/kernels/internal/tensor_utils.h, MeanStddevNormalization). */
const NORM_EPSILON = 1e-8;

/** Scales of the int16 values between the steps of the integer kernel: sums of a gate, and what sigmoid and tanh give. */
const GATE = 2 ** -12;
const UNIT = 2 ** -15;

interface Lstm {
  /** Without an input gate of its own: input gate = 1 - forget gate. */
  readonly coupled: boolean;
  /** Which of the four gates have weights. */
  readonly gates: readonly number[];
  readonly weights: readonly Stored[];
  readonly recurrent: readonly Stored[];
  readonly units: number;
  readonly activation: ActivationFunctionType;
  readonly cellClip: number;
  readonly projClip: number;
  readonly normalized: boolean;
}

function lstmOf(
  s: Step,
  o: { fusedActivationFunction: ActivationFunctionType; cellClip: number; projClip: number },
): Lstm {
  const coupled = !s.has(WEIGHTS[0]!);
  const gates = coupled ? [1, 2, 3] : [0, 1, 2, 3];
  const weights = gates.map((gate) => constantWeight(s, WEIGHTS[gate]!, 2));
  return {
    coupled,
    gates,
    weights,
    recurrent: gates.map((gate) => constantWeight(s, RECURRENT[gate]!, 2)),
    units: weights[0]!.tensor.shape[0]!,
    activation: o.fusedActivationFunction,
    cellClip: o.cellClip,
    projClip: o.projClip,
    normalized: s.has(NORMS[3]!),
  };
}

/** A plain float LSTM is ONNX's; anything more is written out step by step. */
function isPlain(s: Step, l: Lstm): boolean {
  return (
    !l.coupled &&
    !l.normalized &&
    !s.has(PROJECTION) &&
    l.cellClip === 0 &&
    l.activation === "TANH" &&
    !s.quantized(0) &&
    !s.quantized(OUTPUT_STATE)
  );
}

/** ONNX orders the gates input, output, forget, cell, and peepholes input, output, forget (LSTM-14). */
function onnxLstm(s: Step, l: Lstm, timeMajor: boolean): void {
  if (s.rank(0) !== 3) s.fail(`${s.operator.opcode} needs a sequence of rank 3, got ${shapeText(s.shape(0))}`);
  const order = [0, 3, 1, 2];
  const direction = (parts: readonly Stored[], label: string) => {
    const all = stacked(
      s,
      order.map((gate) => parts[gate]!),
    );
    const { shape } = all.tensor;
    const quantization = all.quantization && { ...all.quantization, quantizedDimension: 1 };
    const lifted = {
      tensor: tensor(all.tensor.dtype, [1, ...shape], all.tensor.data),
      ...(quantization && { quantization }),
    };
    return s.values.realOf(lifted, `${s.name}/${label}`);
  };
  const bias = stackedBias(
    s,
    order.map((gate) => BIASES[gate]!),
    order.map((gate) => l.weights[gate]!),
  ).data;
  const both = new Float32Array(2 * bias.length);
  both.set(bias as Float32Array);
  const peepholes = s.has(PEEPHOLES[1]!)
    ? s.values.realOf(
        reshaped(
          stacked(
            s,
            [0, 2, 1].map((k) => constantWeight(s, PEEPHOLES[k]!, 1)),
          ),
          [1, 3 * l.units],
        ) ?? s.refuse("Peepholes with a scale each are not supported"),
        `${s.name}/peepholes`,
      )
    : null;
  const lift = (state: HeldState) => s.node("Unsqueeze", [state.real, s.longs([0])]);
  const operands = [
    timeMajor ? s.real(0) : s.transpose(s.real(0), [1, 0, 2]),
    direction(l.weights, "weights"),
    direction(l.recurrent, "recurrent_weights"),
    s.constant("bias", tensor("float32", [1, both.length], both)),
    null,
    lift(stateBefore(s, OUTPUT_STATE)),
    lift(stateBefore(s, CELL_STATE)),
    peepholes,
  ];
  const [y, h, c] = s.nodes("LSTM", operands, { hidden_size: l.units }, 3) as [ValueId, ValueId, ValueId];
  const drop = (value: ValueId, axis: number) => s.node("Squeeze", [value, s.longs([axis])]);
  s.values.assign(s.at(OUTPUT_STATE), drop(h, 0));
  s.values.assign(s.at(CELL_STATE), drop(c, 0));
  const result = drop(y, 1);
  s.put(0, timeMajor ? result : s.transpose(result, [1, 0, 2]));
}

/** The steps of an LSTM written out; state that is quantised is rounded after each step, as the integer kernels do. */
function unrolled(s: Step, l: Lstm, steps: readonly ValueId[]): HeldState[] {
  const bias = s.constant(
    "bias",
    stackedBias(
      s,
      l.gates.map((gate) => BIASES[gate]!),
      l.weights,
    ),
  );
  const weights = rightSide(s, stacked(s, l.weights), "weights");
  const recurrent = rightSide(s, stacked(s, l.recurrent), "recurrent_weights");
  const sizes = s.longs(l.gates.map(() => l.units));
  let output = stateBefore(s, OUTPUT_STATE);
  let cell = stateBefore(s, CELL_STATE);
  const outputs: HeldState[] = [];
  const round = (value: ValueId, scale: number) =>
    s.quantized(OUTPUT_STATE) ? rounded16(s, value, scale, "step") : value;
  const cellScale = s.quantized(CELL_STATE) ? s.values.quantization(s.at(CELL_STATE)).scales[0]! : 1;
  for (const x of steps) {
    const product = s.node("MatMul", [x, weights]);
    const driven = round(l.normalized ? product : s.node("Add", [product, bias]), GATE);
    const fedBack = round(s.node("MatMul", [output.real, recurrent]), GATE);
    const parts = s.nodes("Split", [s.node("Add", [driven, fedBack]), sizes], { axis: -1 }, l.gates.length);
    const gate = (index: number, peephole: number, of: ValueId): ValueId => {
      const at = l.gates.indexOf(index);
      const sum = finished(s, l, index, withPeephole(s, parts[at]!, peephole, of));
      return s.quantized(OUTPUT_STATE) ? clip(s, sum, -8, 8 - GATE) : sum;
    };
    const forget = round(s.node("Sigmoid", [gate(1, 1, cell.real)]), UNIT);
    const input = l.coupled
      ? s.node("Sub", [s.scalar(1), forget])
      : round(s.node("Sigmoid", [gate(0, 0, cell.real)]), UNIT);
    const update = round(activated(s, gate(2, -1, cell.real), l.activation), UNIT);
    const kept = round(s.node("Mul", [forget, cell.real]), cellScale);
    const sum = s.node("Add", [kept, round(s.node("Mul", [input, update]), cellScale)]);
    cell = held(s, CELL_STATE, l.cellClip > 0 ? clip(s, sum, -l.cellClip, l.cellClip) : sum, "cell");
    const exit = round(s.node("Sigmoid", [gate(3, 2, cell.real)]), UNIT);
    const hidden = s.node("Mul", [exit, round(activated(s, cell.real, l.activation), UNIT)]);
    output = held(s, OUTPUT_STATE, projected(s, l, hidden), "output");
    outputs.push(output);
  }
  s.values.assign(s.at(OUTPUT_STATE), output.raw);
  s.values.assign(s.at(CELL_STATE), cell.raw);
  return outputs;
}

function withPeephole(s: Step, sum: ValueId, peephole: number, cell: ValueId): ValueId {
  const input = PEEPHOLES[peephole];
  return input === undefined || !s.has(input) ? sum : s.node("Add", [sum, s.node("Mul", [cell, s.real(input)])]);
}

/** A gate's sum, normalised over the units where the model says so; the bias comes after that. */
function finished(s: Step, l: Lstm, gate: number, sum: ValueId): ValueId {
  if (!l.normalized) return sum;
  const mean = s.node("ReduceMean", [sum, s.longs([-1])], { keepdims: 1 });
  const centred = s.node("Sub", [sum, mean]);
  const variance = s.node("ReduceMean", [s.node("Mul", [centred, centred]), s.longs([-1])], { keepdims: 1 });
  const spread = s.node("Sqrt", [s.node("Add", [variance, s.scalar(NORM_EPSILON)])]);
  const scaled = s.node("Mul", [s.node("Div", [centred, spread]), s.real(NORMS[gate]!)]);
  const bias = stackedBias(s, [BIASES[gate]!], [l.weights[l.gates.indexOf(gate)]!]);
  return s.node("Add", [scaled, s.constant("bias", bias)]);
}

function projected(s: Step, l: Lstm, hidden: ValueId): ValueId {
  if (!s.has(PROJECTION)) return hidden;
  const weights = s.values.realOf(permuted(constantWeight(s, PROJECTION, 2), [1, 0]), `${s.name}/projection`);
  const product = s.node("MatMul", [hidden, weights]);
  const y = s.has(PROJECTION_BIAS) ? s.node("Add", [product, s.real(PROJECTION_BIAS)]) : product;
  return l.projClip > 0 ? clip(s, y, -l.projClip, l.projClip) : y;
}

function sequenceLstm(s: Step): void {
  const o = s.options("UnidirectionalSequenceLSTMOptions");
  if (o.diagonalRecurrentTensors)
    s.refuse("UNIDIRECTIONAL_SEQUENCE_LSTM with diagonal recurrent tensors is not supported");
  const lstm = lstmOf(s, o);
  if (isPlain(s, lstm)) onnxLstm(s, lstm, o.timeMajor);
  else putSequence(s, unrolled(s, lstm, eachStep(s, o.timeMajor)), OUTPUT_STATE, o.timeMajor);
}

/** One step; the results are the last of the outputs, the others are scratch space and copies of the state. */
function stepLstm(s: Step): void {
  const o = s.options("LSTMOptions");
  if (o.kernelType !== "FULL" || s.outputCount === 0)
    s.refuse(
      `LSTM with the ${o.kernelType} kernel is not supported`,
      "Convert the model again with a current converter.",
    );
  const [result] = unrolled(s, lstmOf(s, o), [s.real(0)]);
  s.put(s.outputCount - 1, result!.real);
}

export const LSTMS: OperatorReaders = {
  UNIDIRECTIONAL_SEQUENCE_LSTM: {
    read: sequenceLstm,
    gives: [
      "LSTM",
      "MatMul",
      "Add",
      "Sub",
      "Mul",
      "Div",
      "Sqrt",
      "ReduceMean",
      "Split",
      "Sigmoid",
      "Tanh",
      "Gather",
      "Concat",
      "Squeeze",
      "Unsqueeze",
    ],
  },
  LSTM: {
    read: stepLstm,
    gives: ["MatMul", "Add", "Sub", "Mul", "Div", "Sqrt", "ReduceMean", "Split", "Sigmoid", "Tanh"],
  },
};
