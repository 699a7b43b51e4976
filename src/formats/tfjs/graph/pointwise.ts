import type { ValueId } from "../../../ir/index.ts";
import { DTYPES, toInts } from "../../../tensor/index.ts";
import { activate, clip } from "../emit/activation.ts";
import { asInt64, cast, dtypeOf, op, promoted, type Scope, scalarLike } from "../emit/scope.ts";
import type { NodeContext, OpReader, OpReaders } from "./context.ts";
import { dtypeOfTf } from "./dtype.ts";

/** An operator over floats; integers are converted first, as TF.js does. */
function float(type: string, attrs: Readonly<Record<string, number>> = {}): OpReader {
  return (c) => op(c, type, [floated(c, c.input(0))], attrs);
}

function floated(s: Scope, id: ValueId): ValueId {
  return DTYPES[dtypeOf(s, id)].float ? id : cast(s, id, "float32");
}

/** An operator over any number type. */
function plain(type: string): OpReader {
  return (c) => op(c, type, [c.input(0)]);
}

/** An operator that changes nothing on integers. */
function rounding(type: string): OpReader {
  return (c) => (DTYPES[dtypeOf(c, c.input(0))].float ? op(c, type, [c.input(0)]) : c.input(0));
}

function pair(c: NodeContext): [ValueId, ValueId] {
  const [a, b] = promoted(c, [c.input(0), c.input(1)]);
  return [a!, b!];
}

function binary(type: string): OpReader {
  return (c) => op(c, type, pair(c));
}

function logical(type: string): OpReader {
  return (c) => op(c, type, [cast(c, c.input(0), "bool"), cast(c, c.input(1), "bool")]);
}

function isFloat(s: Scope, id: ValueId): boolean {
  return DTYPES[dtypeOf(s, id)].float;
}

/** floor(a / b); ONNX divides integers towards zero, so the remainder (of b's sign) is taken off first. */
function floorDivide(c: NodeContext): ValueId {
  const [a, b] = pair(c);
  if (isFloat(c, a)) return op(c, "Floor", [op(c, "Div", [a, b])]);
  const positive = (id: ValueId) => {
    const { data } = c.builder.value(id);
    return data === undefined ? c.builder.sizes(id) !== null : toInts(data).every((value) => value >= 0);
  };
  if (positive(a) && positive(b)) return op(c, "Div", [a, b]);
  return op(c, "Div", [op(c, "Sub", [a, op(c, "Mod", [a, b])]), b]);
}

/** a - floor(a / b) * b. */
function floorMod(c: NodeContext): ValueId {
  const [a, b] = pair(c);
  if (!isFloat(c, a)) return op(c, "Mod", [a, b]);
  return op(c, "Sub", [a, op(c, "Mul", [op(c, "Floor", [op(c, "Div", [a, b])]), b])]);
}

function divideNoNan(c: NodeContext): ValueId {
  const [a, b] = pair(c);
  return op(c, "Where", [op(c, "Equal", [b, scalarLike(c, b, 0)]), scalarLike(c, a, 0), op(c, "Div", [a, b])]);
}

function addN(c: NodeContext): ValueId {
  const ids = promoted(c, [c.input(0), ...c.inputs.slice(1)]);
  if (isFloat(c, ids[0]!) && ids.length <= 64) return ids.length === 1 ? ids[0]! : op(c, "Sum", ids);
  return ids.reduce((sum, id) => op(c, "Add", [sum, id]));
}

/** atan2 by quadrants; the sign of a zero y is not seen, as in atan. */
function atan2(c: NodeContext): ValueId {
  const [y, x] = pair(c).map((id) => floated(c, id)) as [ValueId, ValueId];
  const zero = scalarLike(c, x, 0);
  const angle = op(c, "Atan", [op(c, "Div", [y, x])]);
  const upper = op(c, "GreaterOrEqual", [y, zero]);
  const turn = op(c, "Where", [upper, scalarLike(c, x, Math.PI), scalarLike(c, x, -Math.PI)]);
  const left = op(c, "Where", [op(c, "Less", [x, zero]), op(c, "Add", [angle, turn]), angle]);
  const onAxis = op(c, "Mul", [op(c, "Sign", [y]), scalarLike(c, x, Math.PI / 2)]);
  return op(c, "Where", [op(c, "Equal", [x, zero]), onAxis, left]);
}

function finite(c: NodeContext): ValueId {
  const x = c.input(0);
  return op(c, "Not", [op(c, "Or", [op(c, "IsNaN", [x]), op(c, "IsInf", [x])])]);
}

/** Sizes stay int64 through TensorFlow's int32 casts, so that what is computed from them stays known. */
function castTo(c: NodeContext): ValueId {
  const to = dtypeOfTf(c.attrs.type("DstT") ?? "DT_FLOAT");
  const x = c.input(0);
  return to === "int32" && dtypeOf(c, x) === "int64" ? x : cast(c, x, to);
}

function clipped(c: NodeContext): ValueId {
  const x = c.input(0);
  const bounds = [c.input(1), c.input(2)].map((id) => cast(c, id, dtypeOf(c, x)));
  return op(c, "Clip", [x, ...bounds]);
}

function select(c: NodeContext): ValueId {
  const [yes, no] = promoted(c, [c.input(1), c.input(2)]);
  return op(c, "Where", [cast(c, c.input(0), "bool"), yes!, no!]);
}

const squared: OpReader = (c) => op(c, "Mul", [c.input(0), c.input(0)]);

/** Operators that work element by element. */
export const POINTWISE: OpReaders = {
  Abs: plain("Abs"),
  Acos: float("Acos"),
  Acosh: float("Acosh"),
  Add: binary("Add"),
  AddN: addN,
  AddV2: binary("Add"),
  Asin: float("Asin"),
  Asinh: float("Asinh"),
  Atan: float("Atan"),
  Atan2: atan2,
  Atanh: float("Atanh"),
  Cast: castTo,
  Ceil: rounding("Ceil"),
  ClipByValue: clipped,
  Cos: float("Cos"),
  Cosh: float("Cosh"),
  Div: (c) => (isFloat(c, pair(c)[0]) ? op(c, "Div", pair(c)) : floorDivide(c)),
  DivNoNan: divideNoNan,
  Elu: float("Elu"),
  Equal: binary("Equal"),
  Erf: float("Erf"),
  Exp: float("Exp"),
  Expm1: (c) => op(c, "Sub", [op(c, "Exp", [c.input(0)]), scalarLike(c, c.input(0), 1)]),
  Floor: rounding("Floor"),
  FloorDiv: floorDivide,
  FloorMod: floorMod,
  Greater: binary("Greater"),
  GreaterEqual: binary("GreaterOrEqual"),
  Inv: float("Reciprocal"),
  IsFinite: finite,
  IsInf: plain("IsInf"),
  IsNan: plain("IsNaN"),
  LeakyRelu: (c) => op(c, "LeakyRelu", [c.input(0)], { alpha: c.attrs.float("alpha", 0.2) }),
  Less: binary("Less"),
  LessEqual: binary("LessOrEqual"),
  Log: float("Log"),
  Log1p: (c) => op(c, "Log", [op(c, "Add", [c.input(0), scalarLike(c, c.input(0), 1)])]),
  LogicalAnd: logical("And"),
  LogicalNot: (c) => op(c, "Not", [cast(c, c.input(0), "bool")]),
  LogicalOr: logical("Or"),
  LogicalXor: logical("Xor"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Mod: floorMod,
  Mul: binary("Mul"),
  Neg: plain("Neg"),
  NotEqual: (c) => op(c, "Not", [op(c, "Equal", pair(c))]),
  Pow: binary("Pow"),
  Prelu: (c) => op(c, "PRelu", [c.input(0), c.input(1)]),
  RealDiv: (c) => (isFloat(c, pair(c)[0]) ? op(c, "Div", pair(c)) : floorDivide(c)),
  Reciprocal: float("Reciprocal"),
  Relu: plain("Relu"),
  Relu6: (c) => clip(c, c.input(0), 0, 6),
  Round: rounding("Round"),
  Rsqrt: (c) => op(c, "Reciprocal", [op(c, "Sqrt", [floated(c, c.input(0))])]),
  Select: select,
  SelectV2: select,
  Selu: float("Selu"),
  Sigmoid: float("Sigmoid"),
  Sign: plain("Sign"),
  Sin: float("Sin"),
  Sinh: float("Sinh"),
  Softplus: float("Softplus"),
  Softsign: (c) => activate(c, c.input(0), "softsign"),
  Sqrt: float("Sqrt"),
  Square: squared,
  SquaredDifference: (c) => {
    const difference = op(c, "Sub", pair(c));
    return op(c, "Mul", [difference, difference]);
  },
  Sub: binary("Sub"),
  Tan: float("Tan"),
  Tanh: float("Tanh"),
};

/** An int64 operand, for shapes. */
export const shapeOperand = (c: NodeContext, i: number): ValueId => asInt64(c, c.input(i));
