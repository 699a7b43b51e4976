import { EspalierError, suggestion } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { op, type Scope, scalarLike } from "./scope.ts";

type Activation = (s: Scope, x: ValueId) => ValueId;

const simple =
  (type: string): Activation =>
  (s, x) =>
    op(s, type, [x]);

function gelu(s: Scope, x: ValueId): ValueId {
  const erf = op(s, "Erf", [op(s, "Div", [x, scalarLike(s, x, Math.SQRT2)])]);
  const cdf = op(s, "Mul", [op(s, "Add", [erf, scalarLike(s, x, 1)]), scalarLike(s, x, 0.5)]);
  return op(s, "Mul", [x, cdf]);
}

function geluTanh(s: Scope, x: ValueId): ValueId {
  const cubed = op(s, "Pow", [x, scalarLike(s, x, 3)]);
  const inner = op(s, "Add", [x, op(s, "Mul", [cubed, scalarLike(s, x, 0.044715)])]);
  const tanh = op(s, "Tanh", [op(s, "Mul", [inner, scalarLike(s, x, Math.sqrt(2 / Math.PI))])]);
  const half = op(s, "Mul", [x, scalarLike(s, x, 0.5)]);
  return op(s, "Mul", [half, op(s, "Add", [tanh, scalarLike(s, x, 1)])]);
}

/** min(max(x, low), high). */
export function clip(s: Scope, x: ValueId, low: number, high: number | null): ValueId {
  const bounds = high === null ? [scalarLike(s, x, low)] : [scalarLike(s, x, low), scalarLike(s, x, high)];
  return op(s, "Clip", [x, ...bounds]);
}

/** Activations by their Keras names (snake case), with the formulas of TensorFlow.js (tfjs-layers activations). */
const activations: Readonly<Record<string, Activation>> = {
  linear: (_, x) => x,
  relu: simple("Relu"),
  relu6: (s, x) => clip(s, x, 0, 6),
  elu: simple("Elu"),
  selu: simple("Selu"),
  sigmoid: simple("Sigmoid"),
  hard_sigmoid: (s, x) => op(s, "HardSigmoid", [x], { alpha: 0.2, beta: 0.5 }),
  softplus: simple("Softplus"),
  softsign: simple("Softsign"),
  tanh: simple("Tanh"),
  exponential: simple("Exp"),
  softmax: (s, x) => op(s, "Softmax", [x], { axis: -1 }),
  log_softmax: (s, x) => op(s, "LogSoftmax", [x], { axis: -1 }),
  swish: (s, x) => op(s, "Mul", [x, op(s, "Sigmoid", [x])]),
  silu: (s, x) => op(s, "Mul", [x, op(s, "Sigmoid", [x])]),
  mish: (s, x) => op(s, "Mul", [x, op(s, "Tanh", [op(s, "Softplus", [x])])]),
  gelu,
  gelu_new: geluTanh,
};

/** Names of the activations that are read, sorted. */
export const ACTIVATIONS = Object.keys(activations).sort();

/** "hardSigmoid" and "HardSigmoid" are "hard_sigmoid". */
export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

/** Applies an activation by its Keras name. Throws EspalierError "unsupported" for one that is not known. */
export function activate(s: Scope, x: ValueId, name: string): ValueId {
  const wanted = snakeCase(name);
  const make = Object.hasOwn(activations, wanted) ? activations[wanted] : undefined;
  if (make === undefined)
    throw new EspalierError("unsupported", `The activation "${name}" is not supported`, {
      hint: suggestion(wanted, ACTIVATIONS),
    });
  return make(s, x);
}
