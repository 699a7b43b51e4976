import type { ValueId } from "../../../ir/index.ts";
import { clip } from "./fused.ts";
import type { OperatorReaders, ReadOperator, Step } from "./step.ts";

const map = (make: (s: Step, x: ValueId) => ValueId): ReadOperator => {
  return (s) => s.put(0, make(s, s.real(0)));
};
const named = (op: string) => ({ read: map((s, x) => s.node(op, [x])), gives: [op] });
const clipped = (low: number, high: number) => ({ read: map((s, x) => clip(s, x, low, high)), gives: ["Clip"] });

function softmax(s: Step): void {
  const { beta } = s.options("SoftmaxOptions");
  const x = beta === 1 ? s.real(0) : s.node("Mul", [s.real(0), s.scalar(beta)]);
  s.put(0, s.node("Softmax", [x], { axis: -1 }));
}

export const ACTIVATIONS: OperatorReaders = {
  RELU: named("Relu"),
  RELU6: clipped(0, 6),
  RELU_N1_TO_1: clipped(-1, 1),
  RELU_0_TO_1: clipped(0, 1),
  ELU: named("Elu"),
  HARD_SWISH: named("HardSwish"),
  LOGISTIC: named("Sigmoid"),
  TANH: named("Tanh"),
  GELU: {
    read: map((s, x) => s.node("Gelu", [x], { approximate: s.options("GeluOptions").approximate ? "tanh" : "none" })),
    gives: ["Gelu"],
  },
  LEAKY_RELU: {
    read: map((s, x) => s.node("LeakyRelu", [x], { alpha: s.options("LeakyReluOptions").alpha })),
    gives: ["LeakyRelu"],
  },
  PRELU: { read: (s) => s.put(0, s.node("PRelu", [s.real(0), s.real(1)])), gives: ["PRelu"] },
  SOFTMAX: { read: softmax, gives: ["Mul", "Softmax"] },
  LOG_SOFTMAX: { read: map((s, x) => s.node("LogSoftmax", [x], { axis: -1 })), gives: ["LogSoftmax"] },
};
