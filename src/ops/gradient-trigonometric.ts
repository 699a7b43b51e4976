import type { ValueId } from "../ir/index.ts";
import { unaryRule } from "./gradient-elementwise.ts";
import type { Formula } from "./gradient-formula.ts";

const square = (f: Formula, id: ValueId) => f.mul(id, id);
const one = (f: Formula) => f.number(1);
const root = (f: Formula, id: ValueId) => f.node("Sqrt", [id]);

export const sin = unaryRule(({ f, x, dy }) => f.mul(dy, f.node("Cos", [x])));
export const cos = unaryRule(({ f, x, dy }) => f.neg(f.mul(dy, f.node("Sin", [x]))));
// d tan(x) = 1 + tan(x)^2.
export const tan = unaryRule(({ f, y, dy }) => f.mul(dy, f.add(one(f), square(f, y))));
// d asin(x) = 1 / sqrt(1 - x^2) = -d acos(x).
export const asin = unaryRule(({ f, x, dy }) => f.div(dy, root(f, f.sub(one(f), square(f, x)))));
export const acos = unaryRule(({ f, x, dy }) => f.neg(f.div(dy, root(f, f.sub(one(f), square(f, x))))));
export const atan = unaryRule(({ f, x, dy }) => f.div(dy, f.add(one(f), square(f, x))));
export const sinh = unaryRule(({ f, x, dy }) => f.mul(dy, f.node("Cosh", [x])));
export const cosh = unaryRule(({ f, x, dy }) => f.mul(dy, f.node("Sinh", [x])));
export const asinh = unaryRule(({ f, x, dy }) => f.div(dy, root(f, f.add(square(f, x), one(f)))));
export const acosh = unaryRule(({ f, x, dy }) => f.div(dy, root(f, f.sub(square(f, x), one(f)))));
export const atanh = unaryRule(({ f, x, dy }) => f.div(dy, f.sub(one(f), square(f, x))));
