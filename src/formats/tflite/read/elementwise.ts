import type { Shape, ValueId } from "../../../ir/index.ts";
import { DTYPES } from "../../../tensor/index.ts";
import type { ActivationFunctionType, TfliteOptionsType } from "../codec/index.ts";
import { activated } from "./fused.ts";
import type { OperatorReaders, ReadOperator, Step } from "./step.ts";
import { isFloat } from "./values.ts";

/** The operands in real numbers, of one integer type where they are integers. */
export function operands(s: Step, count = s.inputCount): ValueId[] {
  return s.matched(Array.from({ length: count }, (_, i) => s.real(i)));
}

type Fused = { readonly fusedActivationFunction: ActivationFunctionType };

/** An operator over two broadcast operands, with a fused activation where its options have one. */
function binary(op: string, options?: TfliteOptionsType): ReadOperator {
  return (s) => {
    const y = s.node(op, operands(s, 2));
    s.put(
      0,
      options === undefined ? y : activated(s, y, (s.options(options) as unknown as Fused).fusedActivationFunction),
    );
  };
}

const unary = (op: string): ReadOperator => {
  return (s) => s.put(0, s.node(op, [s.real(0)]));
};

function pattern(make: (s: Step, x: ValueId, y: ValueId) => ValueId): ReadOperator {
  return (s) => {
    const [x, y] = operands(s, 2) as [ValueId, ValueId];
    s.put(0, make(s, x, y));
  };
}

const isReal = (s: Step, x: ValueId) => isFloat(s.builder.value(x).type.dtype);

/** The remainder with the divisor's sign (tensorflow/lite/kernels/floor_mod.cc). */
function floorMod(s: Step, x: ValueId, y: ValueId): ValueId {
  if (!isReal(s, x)) return s.node("Mod", [x, y]);
  const rest = s.node("Mod", [x, y], { fmod: 1 });
  const zero = s.scalar(0);
  const signs = s.node("Less", [s.node("Mul", [rest, y]), zero]);
  return s.node("Where", [signs, s.node("Add", [rest, y]), rest]);
}

function floorDiv(s: Step, x: ValueId, y: ValueId): ValueId {
  if (isReal(s, x)) return s.node("Floor", [s.node("Div", [x, y])]);
  return s.node("Div", [s.node("Sub", [x, s.node("Mod", [x, y])]), y]);
}

function squaredDifference(s: Step, x: ValueId, y: ValueId): ValueId {
  const difference = s.node("Sub", [x, y]);
  return s.node("Mul", [difference, difference]);
}

/** The angle of (x, y) from atan(y / x) by quadrant. */
function atan2(s: Step, y: ValueId, x: ValueId): ValueId {
  const zero = s.scalar(0);
  const base = s.node("Atan", [s.node("Div", [y, x])]);
  const behind = s.node("Where", [s.node("Less", [y, zero]), s.scalar(-Math.PI), s.scalar(Math.PI)]);
  const turned = s.node("Where", [s.node("Less", [x, zero]), s.node("Add", [base, behind]), base]);
  const atOrigin = s.node("And", [s.node("Equal", [x, zero]), s.node("Equal", [y, zero])]);
  return s.node("Where", [atOrigin, zero, turned]);
}

function notEqual(s: Step, x: ValueId, y: ValueId): ValueId {
  return s.node("Not", [s.node("Equal", [x, y])]);
}

function addAll(s: Step): void {
  const [first, ...rest] = operands(s);
  s.put(
    0,
    rest.reduce((sum, x) => s.node("Add", [sum, x]), first!),
  );
}

/** A condition of one axis in front of operands of more chooses whole rows (SELECT, not SELECT_V2). */
function select(s: Step): void {
  const [x, y] = s.matched([s.real(1), s.real(2)]) as [ValueId, ValueId];
  const shape: Shape = s.shape(0);
  const rows = s.operator.opcode === "SELECT" && shape.length === 1 && s.rank(1) > 1 && s.rank(1) === s.rank(2);
  const condition = rows ? s.reshape(s.raw(0), [shape[0]!, ...new Array<number>(s.rank(1) - 1).fill(1)]) : s.raw(0);
  s.put(0, s.node("Where", [condition, x, y]));
}

function castTo(s: Step): void {
  const { dtype } = s.builder.value(s.raw(0)).type;
  const wanted = s.outTensor().dtype;
  // Integers that hold sizes stay int64.
  const sizes = dtype === "int64" && wanted === "int32" && s.builder.sizes(s.raw(0)) !== null;
  if (!Object.hasOwn(DTYPES, wanted)) s.refuse(`CAST to ${wanted} is not supported`);
  s.putRaw(0, sizes ? s.raw(0) : s.cast(s.raw(0), wanted as keyof typeof DTYPES));
}

const both = (op: string, options?: TfliteOptionsType) => ({ read: binary(op, options), gives: [op] });
const one = (op: string) => ({ read: unary(op), gives: [op] });

export const ELEMENTWISE: OperatorReaders = {
  ADD: both("Add", "AddOptions"),
  SUB: both("Sub", "SubOptions"),
  MUL: both("Mul", "MulOptions"),
  DIV: both("Div", "DivOptions"),
  POW: both("Pow"),
  MAXIMUM: both("Max"),
  MINIMUM: both("Min"),
  EQUAL: both("Equal"),
  LESS: both("Less"),
  LESS_EQUAL: both("LessOrEqual"),
  GREATER: both("Greater"),
  GREATER_EQUAL: both("GreaterOrEqual"),
  LOGICAL_AND: both("And"),
  LOGICAL_OR: both("Or"),
  LOGICAL_NOT: one("Not"),
  NOT_EQUAL: { read: pattern(notEqual), gives: ["Equal", "Not"] },
  FLOOR_DIV: { read: pattern(floorDiv), gives: ["Floor", "Div", "Sub", "Mod"] },
  FLOOR_MOD: { read: pattern(floorMod), gives: ["Mod", "Less", "Mul", "Add", "Where"] },
  SQUARED_DIFFERENCE: { read: pattern(squaredDifference), gives: ["Sub", "Mul"] },
  ATAN2: { read: pattern(atan2), gives: ["Atan", "Div", "Less", "Equal", "And", "Add", "Where"] },
  BITWISE_XOR: both("BitwiseXor"),
  ADD_N: { read: addAll, gives: ["Add"] },
  SELECT: { read: select, gives: ["Where", "Reshape"] },
  SELECT_V2: { read: select, gives: ["Where"] },
  CAST: { read: castTo, gives: ["Cast"] },
  ABS: one("Abs"),
  NEG: one("Neg"),
  SIGN: one("Sign"),
  EXP: one("Exp"),
  LOG: one("Log"),
  SQRT: one("Sqrt"),
  SIN: one("Sin"),
  COS: one("Cos"),
  FLOOR: one("Floor"),
  CEIL: one("Ceil"),
  ROUND: one("Round"),
  RSQRT: { read: (s) => s.put(0, s.node("Reciprocal", [s.node("Sqrt", [s.real(0)])])), gives: ["Sqrt", "Reciprocal"] },
  SQUARE: { read: (s) => s.put(0, s.node("Mul", [s.real(0), s.real(0)])), gives: ["Mul"] },
};
