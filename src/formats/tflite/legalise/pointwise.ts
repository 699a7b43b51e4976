import type { ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { toNumbers } from "../../../tensor/index.ts";
import { type Composer, composition, num } from "./compose.ts";

const unary = (op: string, build: (c: Composer, x: ValueId) => ValueId): Rule =>
  composition(`${op.toLowerCase()}-composed`, op, (c) => build(c, c.in(0)));

/** sqrt(1 - x^2) as sqrt((1 - x)(1 + x)): no cancellation at the ends. */
function cathetus(c: Composer, x: ValueId): ValueId {
  const product = c.op("Mul", [c.op("Sub", [c.number(1), x]), c.op("Add", [x, num(1)])]);
  return c.op("Sqrt", [product]);
}

/** (e^x + sign e^-x) / 2. */
function hyperbolic(c: Composer, x: ValueId, sign: "Add" | "Sub"): ValueId {
  return c.op("Mul", [c.op(sign, [c.op("Exp", [x]), c.op("Exp", [c.op("Neg", [x])])]), num(0.5)]);
}

const trigonometry: Rule[] = [
  unary("Tan", (c, x) => c.op("Div", [c.op("Sin", [x]), c.op("Cos", [x])])),
  unary("Sinh", (c, x) => hyperbolic(c, x, "Sub")),
  unary("Cosh", (c, x) => hyperbolic(c, x, "Add")),
  // sign(x) log(|x| + sqrt(x^2 + 1)): |x| keeps the sum away from 0.
  unary("Asinh", (c, x) => {
    const size = c.op("Abs", [x]);
    const root = c.op("Sqrt", [c.op("Add", [c.op("Mul", [x, x]), num(1)])]);
    return c.op("Mul", [c.op("Sign", [x]), c.op("Log", [c.op("Add", [size, root])])]);
  }),
  unary("Acosh", (c, x) => {
    const root = c.op("Sqrt", [c.op("Mul", [c.op("Sub", [x, num(1)]), c.op("Add", [x, num(1)])])]);
    return c.op("Log", [c.op("Add", [x, root])]);
  }),
  unary("Atanh", (c, x) => {
    const quotient = c.op("Div", [c.op("Add", [x, num(1)]), c.op("Sub", [c.number(1), x])]);
    return c.op("Mul", [c.op("Log", [quotient]), num(0.5)]);
  }),
  // Half-angle forms, so that the arc tangent is the only inverse that a runtime needs.
  unary("Asin", (c, x) => {
    const half = c.op("Div", [x, c.op("Add", [cathetus(c, x), num(1)])]);
    return c.op("Mul", [c.op("Atan", [half]), num(2)]);
  }),
  unary("Acos", (c, x) => {
    const half = c.op("Div", [x, c.op("Add", [cathetus(c, x), num(1)])]);
    return c.op("Sub", [c.number(Math.PI / 2), c.op("Mul", [c.op("Atan", [half]), num(2)])]);
  }),
];

const infinite = composition("is-inf-as-comparison", "IsInf", (c) => {
  const { detect_negative: negative, detect_positive: positive } = c.attrs as {
    detect_negative: number;
    detect_positive: number;
  };
  const x = c.in(0);
  const largest = 3.4028234663852886e38;
  if (positive !== 0 && negative !== 0) return c.op("Greater", [c.op("Abs", [x]), num(largest)]);
  if (positive !== 0) return c.op("Greater", [x, num(largest)]);
  if (negative !== 0) return c.op("Less", [x, num(-largest)]);
  return c.refuse("IsInf that detects neither sign has no TFLite form", "Remove the node: it is always false.");
});

/** x^y for the exponents that have kernels of their own, which are more exact than POW and exist in TFLM. */
const power = composition("pow-of-small-exponent", "Pow", (c) => {
  const exponent = c.constant(1);
  if (exponent === null || exponent.data.length !== 1 || exponent.shape.length > c.shape(c.in(0)).length) return null;
  if (c.dtype(c.in(0)) !== "float32") return null;
  const value = toNumbers(exponent)[0]!;
  const x = c.in(0);
  if (value === 1) return c.op("Identity", [x]);
  if (value === 2) return c.op("Mul", [x, x]);
  if (value === 3) return c.op("Mul", [c.op("Mul", [x, x]), x]);
  if (value === 0.5) return c.op("Sqrt", [x]);
  if (value === -1) return c.op("Reciprocal", [x]);
  return null;
});

const mean = composition("mean-as-sum", "Mean", (c) => {
  const count = c.node.inputs.length;
  if (count === 1) return c.op("Identity", [c.in(0)]);
  return c.op("Mul", [c.op("Sum", c.node.inputs), num(1 / count)]);
});

/** TFLite's choice takes no bool operands in every runtime: (condition and x) or (not condition and y). */
const chooseBool = composition("where-of-bools", "Where", (c) => {
  if (c.dtype(c.in(1)) !== "bool") return null;
  const condition = c.in(0);
  const no = c.op("And", [c.op("Not", [condition]), c.in(2)]);
  return c.op("Or", [c.op("And", [condition, c.in(1)]), no]);
});

const clipOfComputed = composition("clip-as-max-min", "Clip", (c) => {
  const computed = [1, 2].some((i) => c.has(i) && c.constant(i) === null && !widened(c, i));
  const integer = c.dtype(c.in(0)) !== "float32" && c.dtype(c.in(0)) !== "float16";
  if (!computed && !integer) return null;
  let x = c.in(0);
  if (c.has(1)) x = c.op("Max", [x, c.in(1)]);
  if (c.has(2)) x = c.op("Min", [x, c.in(2)]);
  return x === c.in(0) ? c.op("Identity", [x]) : x;
});

/** A bound that the plan reads through its dequantisation or cast. */
function widened(c: Composer, i: number): boolean {
  const producer = c.view.producer(c.node.inputs[i]);
  return (
    (producer?.op === "DequantizeLinear" || producer?.op === "Cast") && c.view.constant(producer.inputs[0]) !== null
  );
}

/** Elementwise operators that TFLite has no kernel for, of those that it has. */
export const pointwiseRules: readonly Rule[] = [...trigonometry, infinite, power, mean, chooseBool, clipOfComputed];
