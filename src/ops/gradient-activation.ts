import type { ValueId } from "../ir/index.ts";
import { unaryRule } from "./gradient-elementwise.ts";
import type { Formula } from "./gradient-formula.ts";

function positive(f: Formula, id: ValueId): ValueId {
  return f.node("Greater", [id, f.number(0)]);
}

// d relu(x) = 1 for x > 0, else 0 (0 at 0, as in every framework).
export const relu = unaryRule(({ f, y, dy }) => f.only(positive(f, y), dy));

export const leakyRelu = unaryRule<{ alpha: number }>(({ f, x, dy, attrs }) =>
  f.node("Where", [positive(f, x), dy, f.mul(dy, f.number(attrs.alpha))]),
);

// d elu(x) = 1 for x > 0, else alpha e^x = y + alpha.
export const elu = unaryRule<{ alpha: number }>(({ f, x, y, dy, attrs }) =>
  f.node("Where", [positive(f, x), dy, f.mul(dy, f.add(y, f.number(attrs.alpha)))]),
);

// d celu(x) = 1 for x > 0, else e^(x/alpha) = y/alpha + 1.
export const celu = unaryRule<{ alpha: number }>(({ f, x, y, dy, attrs }) =>
  f.node("Where", [positive(f, x), dy, f.mul(dy, f.add(f.div(y, f.number(attrs.alpha)), f.number(1)))]),
);

// d selu(x) = gamma for x > 0, else gamma alpha e^x = y + gamma alpha.
export const selu = unaryRule<{ alpha: number; gamma: number }>(({ f, x, y, dy, attrs }) => {
  const slope = f.node("Where", [positive(f, x), f.number(attrs.gamma), f.add(y, f.number(attrs.gamma * attrs.alpha))]);
  return f.mul(dy, slope);
});

export const thresholdedRelu = unaryRule<{ alpha: number }>(({ f, x, dy, attrs }) =>
  f.only(f.node("Greater", [x, f.number(attrs.alpha)]), dy),
);

// Slope 1 outside [-lambd, lambd], 0 inside.
export const shrink = unaryRule<{ lambd: number }>(({ f, x, dy, attrs }) =>
  f.only(f.node("Greater", [f.node("Abs", [x]), f.number(attrs.lambd)]), dy),
);

export const sigmoid = unaryRule(({ f, y, dy }) => f.mul(dy, f.mul(y, f.sub(f.number(1), y))));

// Linear with slope alpha strictly between the two ends of the clamp.
export const hardSigmoid = unaryRule<{ alpha: number }>(({ f, y, dy, attrs }) =>
  f.only(between(f, y, 0, 1), f.mul(dy, f.number(attrs.alpha))),
);

// y = x h with h = clamp(x/6 + 1/2, 0, 1): dy/dx = h + x/6 where h is not clamped.
export const hardSwish = unaryRule(({ f, x, dy }) => {
  const h = f.node("HardSigmoid", [x], { alpha: 1 / 6, beta: 0.5 });
  const slope = f.add(h, f.only(between(f, h, 0, 1), f.mul(x, f.number(1 / 6))));
  return f.mul(dy, slope);
});

export const tanh = unaryRule(({ f, y, dy }) => f.mul(dy, f.sub(f.number(1), f.mul(y, y))));
export const softplus = unaryRule(({ f, x, dy }) => f.mul(dy, f.node("Sigmoid", [x])));

// d softsign(x) = 1 / (1 + |x|)^2.
export const softsign = unaryRule(({ f, x, dy }) => {
  const d = f.add(f.number(1), f.node("Abs", [x]));
  return f.div(dy, f.mul(d, d));
});

// y = x t with t = tanh(softplus(x)): dy/dx = t + x (1 - t^2) sigmoid(x).
export const mish = unaryRule(({ f, x, dy }) => {
  const t = f.node("Tanh", [f.node("Softplus", [x])]);
  const inner = f.mul(f.sub(f.number(1), f.mul(t, t)), f.node("Sigmoid", [x]));
  return f.mul(dy, f.add(t, f.mul(x, inner)));
});

/** Exact: Phi(x) + x phi(x), with the normal distribution's Phi and phi; by tanh: the derivative of that formula (ONNX Gelu-20). */
export const gelu = unaryRule<{ approximate: string }>(({ f, x, dy, attrs }) => {
  const half = (id: ValueId) => f.mul(f.number(0.5), f.add(f.number(1), id));
  const xx = f.mul(x, x);
  if (attrs.approximate === "tanh") {
    const [k, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
    const inner = f.mul(f.mul(x, f.number(k)), f.add(f.number(1), f.mul(xx, f.number(cubic))));
    const t = f.node("Tanh", [inner]);
    const slope = f.mul(f.number(k), f.add(f.number(1), f.mul(xx, f.number(3 * cubic))));
    const bend = f.mul(f.mul(f.number(0.5), x), f.mul(f.sub(f.number(1), f.mul(t, t)), slope));
    return f.mul(dy, f.add(half(t), bend));
  }
  const cumulative = half(f.node("Erf", [f.mul(x, f.number(Math.SQRT1_2))]));
  const density = f.mul(f.number(1 / Math.sqrt(2 * Math.PI)), f.node("Exp", [f.mul(xx, f.number(-0.5))]));
  return f.mul(dy, f.add(cumulative, f.mul(x, density)));
});

function between(f: Formula, id: ValueId, low: number, high: number): ValueId {
  return f.node("And", [f.node("Greater", [id, f.number(low)]), f.node("Less", [id, f.number(high)])]);
}
