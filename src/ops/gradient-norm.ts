import type { ValueId } from "../ir/index.ts";
import { formulaOf } from "./gradient-formula.ts";
import type { GradientRule } from "./spec.ts";

/** Inference form: with r = 1 / sqrt(var + eps), dx = dy scale r, dscale = r sum(dy (x - mean)), dbias = sum(dy), and mean and var as plain operands. */
export const batchNormalization: GradientRule<{ readonly epsilon: number }> = (c) => {
  const f = formulaOf(c);
  const [x, scale, , mean, variance] = c.inputs as readonly ValueId[];
  const dy = c.outputGradients[0]!;
  const shape = f.shape(x!);
  const channels = shape[1]!;
  const column = (id: ValueId) => f.reshape(id, [1, channels, ...shape.slice(2).map(() => 1)]);
  const others = shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const r = f.node("Reciprocal", [f.node("Sqrt", [f.add(variance!, f.number(c.attrs.epsilon))])]);
  const gain = f.mul(scale!, r);
  const total = () => f.sum(dy, others, false);
  const moment = () => f.sum(f.mul(dy, f.sub(x!, column(mean!))), others, false);
  return [
    c.wants(0) ? f.mul(dy, column(gain)) : null,
    c.wants(1) ? f.mul(moment(), r) : null,
    c.wants(2) ? total() : null,
    c.wants(3) ? f.neg(f.mul(total(), gain)) : null,
    // d r / d var = -r^3 / 2.
    c.wants(4) ? f.mul(f.mul(moment(), f.mul(gain, f.mul(r, r))), f.number(-0.5)) : null,
  ];
};
