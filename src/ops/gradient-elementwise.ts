import type { ValueId } from "../ir/index.ts";
import { type Formula, formulaOf, unbroadcast } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

/** What a local derivative is written in: x the input, y the output, dy the output's gradient. */
interface Local<A> {
  readonly f: Formula;
  readonly x: ValueId;
  readonly y: ValueId;
  readonly dy: ValueId;
  readonly attrs: A;
}

/** Rule of a function of one tensor, given dx. Further inputs (bounds) get no gradient. */
export function unaryRule<A>(dx: (local: Local<A>) => ValueId): GradientRule<A> {
  return (c) => {
    const dy = c.outputGradients[0]!;
    const answer: (ValueId | null)[] = c.inputs.map(() => null);
    if (c.wants(0)) answer[0] = dx({ f: formulaOf(c), x: c.inputs[0]!, y: c.outputs[0]!, dy, attrs: c.attrs });
    return answer;
  };
}

/** Rule of an operator over broadcast operands: each partial derivative is summed back to its operand's shape. */
export function broadcastRule<A>(
  partial: (f: Formula, c: GradientContext<A>, operand: number, dy: ValueId) => ValueId,
): GradientRule<A> {
  return (c) => {
    const f = formulaOf(c);
    const dy = c.outputGradients[0]!;
    return c.inputs.map((id, i) =>
      id === null || !c.wants(i) ? null : unbroadcast(f, partial(f, c, i, dy), c.type(id).shape),
    );
  };
}

/** Rule of a step function (floor, sign, comparison): its derivative is 0 wherever it exists, so no gradient flows. */
export const zeroRule: GradientRule<unknown> = (c) => c.inputs.map(() => null);

const two = (f: Formula) => f.number(2);

// d erf(x) = 2 / sqrt(pi) * e^(-x^2).
export const erf = unaryRule(({ f, x, dy }) =>
  f.mul(dy, f.mul(f.number(2 / Math.sqrt(Math.PI)), f.node("Exp", [f.neg(f.mul(x, x))]))),
);
export const exp = unaryRule(({ f, y, dy }) => f.mul(dy, y));
export const log = unaryRule(({ f, x, dy }) => f.div(dy, x));
export const sqrt = unaryRule(({ f, y, dy }) => f.div(dy, f.mul(two(f), y)));
export const reciprocal = unaryRule(({ f, y, dy }) => f.neg(f.mul(dy, f.mul(y, y))));
export const negate = unaryRule(({ f, dy }) => f.neg(dy));
export const absolute = unaryRule(({ f, x, dy }) => f.mul(dy, f.node("Sign", [x])));
export const identity = unaryRule(({ dy }) => dy);

/** Passes strictly inside the bounds, 0 outside and on them; the bounds themselves get none. */
export const clip: GradientRule<unknown> = (c) => {
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const [x, low, high] = c.inputs;
  const inside: ValueId[] = [];
  if (low !== undefined && low !== null) inside.push(f.node("Greater", [x!, low]));
  if (high !== undefined && high !== null) inside.push(f.node("Less", [x!, high]));
  const dx =
    inside.length === 0 ? dy : f.only(inside.length === 1 ? inside[0]! : f.node("And", [inside[0]!, inside[1]!]), dy);
  return c.inputs.map((_, i) => (i === 0 && c.wants(0) ? dx : null));
};

export const add = broadcastRule((_f, _c, _operand, dy) => dy);
export const mean = broadcastRule((f, c, _operand, dy) => f.mul(dy, f.number(1 / c.inputs.length)));
export const subtract = broadcastRule((f, _c, operand, dy) => (operand === 0 ? dy : f.neg(dy)));
export const multiply = broadcastRule((f, c, operand, dy) => f.mul(dy, c.inputs[1 - operand]!));
// y = a/b: da = dy/b, db = -dy y/b.
export const divide = broadcastRule((f, c, operand, dy) => {
  const b = c.inputs[1]!;
  return operand === 0 ? f.div(dy, b) : f.neg(f.div(f.mul(dy, c.outputs[0]!), b));
});

// y = a^b: da = dy b a^(b-1), db = dy y ln a (for a > 0).
export const power = broadcastRule((f, c, operand, dy) => {
  const [a, b] = [c.inputs[0]!, c.inputs[1]!];
  if (operand === 0) return f.mul(dy, f.mul(b, f.node("Pow", [a, f.sub(b, f.number(1))])));
  return f.mul(dy, f.mul(c.outputs[0]!, f.node("Log", [a])));
});

// y = a - b trunc(a/b) (C's fmod; the other form is for integers, which have no gradient): da = dy, db = -dy trunc(a/b) = dy (y - a)/b.
export const modulo = broadcastRule((f, c, operand, dy) => {
  const [a, b] = [c.inputs[0]!, c.inputs[1]!];
  return operand === 0 ? dy : f.mul(dy, f.div(f.sub(c.outputs[0]!, a), b));
});

/** Min and Max: operands that equal the result share its gradient equally. */
export const extreme = broadcastRule((f, c, operand, dy) => {
  const hits = c.inputs.map((id) => f.indicator(f.node("Equal", [id!, c.outputs[0]!])));
  const count = hits.length === 1 ? hits[0]! : f.node("Sum", hits);
  return f.div(f.mul(dy, hits[operand]!), count);
});

export const prelu = broadcastRule((f, c, operand, dy) => {
  const [x, slope] = [c.inputs[0]!, c.inputs[1]!];
  const positive = f.node("Greater", [x, f.number(0)]);
  return operand === 0
    ? f.node("Where", [positive, dy, f.mul(dy, slope)])
    : f.node("Where", [positive, f.number(0), f.mul(dy, x)]);
});

/** The chosen side gets the gradient; the condition none. */
export const where: GradientRule<unknown> = (c) => {
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const condition = c.inputs[0]!;
  const side = (i: number): ValueId | null => {
    if (!c.wants(i)) return null;
    const own = f.node("Where", i === 1 ? [condition, dy, f.number(0)] : [condition, f.number(0), dy]);
    return unbroadcast(f, own, c.type(c.inputs[i]!).shape);
  };
  return [null, side(1), side(2)];
};
