import { EspalierError } from "../../../diagnostics/index.ts";
import { normalAxis, type ValueId } from "../../../ir/index.ts";
import { sizeOf, type Tensor, toFloat32 } from "../../../tensor/index.ts";
import { realValues, statedQuantization } from "../quantization.ts";
import { type Composer, num } from "./compose.ts";

/** What a direction needs to run: all in float32. */
export interface Direction {
  /** [gates hidden, input] and [gates hidden, hidden]. */
  readonly weight: Tensor<"float32">;
  readonly recurrence: Tensor<"float32">;
  /** Input and recurrent biases, each [gates hidden]. */
  readonly inputBias: Float32Array;
  readonly recurrentBias: Float32Array;
  readonly peepholes: Float32Array | null;
  readonly activations: readonly Activation[];
}

export interface Activation {
  readonly name: string;
  readonly alpha: number | undefined;
  readonly beta: number | undefined;
}

const gatesOf: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };
const defaults: Readonly<Record<string, readonly string[]>> = {
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
  GRU: ["Sigmoid", "Tanh"],
  RNN: ["Tanh"],
};

export function vector(c: Composer, name: string, data: Float32Array): ValueId {
  return c.tensor(name, { dtype: "float32", shape: [data.length], data });
}

/** The weights of one direction as real numbers. */
export function directionOf(c: Composer, d: number): Direction {
  const gates = gatesOf[c.node.op]!;
  const slice = (input: number, what: string): Tensor<"float32"> => {
    const t = realConstant(c, input);
    if (t === null) c.refuse(`${c.node.op} with a computed ${what} has no TFLite form`, `Make the ${what} a constant.`);
    const shape = t.shape.slice(1);
    const count = sizeOf(shape);
    return { dtype: "float32", shape, data: t.values.subarray(d * count, (d + 1) * count) };
  };
  const recurrence = slice(2, "recurrence weight");
  const hidden = recurrence.shape[1]!;
  const bias = c.has(3) ? slice(3, "bias").data : new Float32Array(2 * gates * hidden);
  return {
    weight: slice(1, "weight"),
    recurrence,
    inputBias: bias.subarray(0, gates * hidden),
    recurrentBias: bias.subarray(gates * hidden),
    peepholes: c.has(7) ? slice(7, "peephole weight").data : null,
    activations: activationsOf(c, d),
  };
}

/** A constant as real numbers, also one behind a cast or DequantizeLinear. */
function realConstant(c: Composer, input: number): { shape: readonly number[]; values: Float32Array } | null {
  const direct = c.constant(input);
  if (direct !== null) return { shape: direct.shape, values: toFloat32(direct) };
  const producer = c.view.producer(c.node.inputs[input]);
  const source = producer === null ? null : c.view.constant(producer.inputs[0]);
  if (producer === null || source === null) return null;
  if (producer.op === "Cast") return { shape: source.shape, values: toFloat32(source) };
  const scale = c.view.constant(producer.inputs[1]);
  if (producer.op !== "DequantizeLinear" || scale === null) return null;
  const zeroPoint = c.view.constant(producer.inputs[2]) ?? undefined;
  const axis = normalAxis(Number(producer.attrs.axis ?? 1), source.shape.length);
  const quantization = statedQuantization(scale, zeroPoint, axis);
  return { shape: source.shape, values: realValues({ tensor: source, quantization }) };
}

function activationsOf(c: Composer, d: number): Activation[] {
  const { activations, activation_alpha, activation_beta } = c.attrs as {
    activations: readonly string[];
    activation_alpha: readonly number[];
    activation_beta: readonly number[];
  };
  const own = defaults[c.node.op]!;
  const names = activations.length === 0 ? own : activations.slice(d * own.length, (d + 1) * own.length);
  if (names.length !== own.length)
    throw new EspalierError(
      "input",
      `${c.node.op} has ${activations.length} activations, expected ${own.length} a direction`,
    );
  return names.map((name, i) => ({
    name,
    alpha: activation_alpha[d * own.length + i],
    beta: activation_beta[d * own.length + i],
  }));
}

/** One of the activations that recurrent operators name; those without parameters of their own have the standard ones. */
export function activate(c: Composer, { name, alpha, beta }: Activation, x: ValueId): ValueId {
  switch (name.toLowerCase()) {
    case "sigmoid":
      return c.op("Sigmoid", [x]);
    case "tanh":
      return c.op("Tanh", [x]);
    case "relu":
      return c.op("Relu", [x]);
    case "leakyrelu":
      return c.op("LeakyRelu", [x], { alpha: alpha ?? 0.01 });
    case "hardsigmoid":
      return c.op("HardSigmoid", [x], { alpha: alpha ?? 0.2, beta: beta ?? 0.5 });
    case "elu":
      return c.op("Elu", [x], { alpha: alpha ?? 1 });
    case "softsign":
      return c.op("Softsign", [x]);
    case "softplus":
      return c.op("Softplus", [x]);
    case "affine":
      return c.op("Add", [c.op("Mul", [x, num(alpha ?? 1)]), num(beta ?? 0)]);
    case "scaledtanh":
      return c.op("Mul", [c.op("Tanh", [c.op("Mul", [x, num(beta ?? 1)])]), num(alpha ?? 1)]);
    default:
      return c.refuse(`${c.node.op} with the activation "${name}" has no TFLite form`, "Use Sigmoid, Tanh or Relu.");
  }
}
