import { normalAxis, type ValueId } from "../ir/index.ts";
import { type Formula, formulaOf, unbroadcast } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

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

/**
 * Normalisation by statistics of x itself over `axes`: with r = 1 / sqrt(var + eps), n = (x - mean) r and g = dy scale, dx = r (g - mean(g) - n mean(g n)),
 * dscale = sum(dy n), dbias = sum(dy) over the axes that they broadcast along; further outputs are the mean and r. `align` gives scale and bias (or their gradients) the shape that broadcasts.
 */
function normalised(
  c: GradientContext<{ readonly epsilon: number }>,
  axes: readonly number[],
  align: (f: Formula, parameter: ValueId) => ValueId,
): (ValueId | null)[] {
  const f = formulaOf(c);
  const [x, scale] = c.inputs as readonly ValueId[];
  const dy = c.outputGradients[0] ?? null;
  const count = axes.reduce((total, axis) => total * f.shape(x!)[axis]!, 1);
  const mean = (id: ValueId) => f.mul(f.sum(id, axes), f.number(1 / count));
  const centred = f.sub(x!, mean(x!));
  const variance = mean(f.mul(centred, centred));
  const r = f.node("Reciprocal", [f.node("Sqrt", [f.add(variance, f.number(c.attrs.epsilon))])]);
  const n = f.mul(centred, r);
  const gradientOf = (id: ValueId, total: ValueId) => {
    const aligned = unbroadcast(f, total, f.shape(align(f, id)));
    return f.reshape(aligned, f.shape(id));
  };
  const dx = () => {
    const parts: ValueId[] = [];
    if (dy !== null) {
      const g = f.mul(dy, align(f, scale!));
      parts.push(f.mul(r, f.sub(f.sub(g, mean(g)), f.mul(n, mean(f.mul(g, n))))));
    }
    const [, toMean, toR] = c.outputGradients;
    const share = f.number(1 / count);
    if (toMean !== null && toMean !== undefined)
      parts.push(f.node("Expand", [f.mul(toMean, share), f.ints(f.shape(x!))]));
    // d r / dx = -r^2 n / M.
    if (toR !== null && toR !== undefined) parts.push(f.neg(f.mul(n, f.mul(toR, f.mul(share, f.mul(r, r))))));
    return parts.length === 1 ? parts[0]! : f.node("Sum", parts);
  };
  return c.inputs.map((id, i) => {
    if (id === null || !c.wants(i)) return null;
    if (i === 0) return dx();
    if (dy === null) return null;
    return gradientOf(id, i === 1 ? f.mul(dy, n) : dy);
  });
}

export const instanceNormalization: GradientRule<{ readonly epsilon: number }> = (c) => {
  const rank = c.type(c.inputs[0]!).shape.length;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  return normalised(c, spatial, (f, id) => f.reshape(id, [1, f.shape(id)[0]!, ...spatial.map(() => 1)]));
};

export const layerNormalization: GradientRule<{ readonly axis: number; readonly epsilon: number }> = (c) => {
  const rank = c.type(c.inputs[0]!).shape.length;
  const first = normalAxis(c.attrs.axis, rank);
  return normalised(
    c,
    Array.from({ length: rank - first }, (_, i) => first + i),
    (_, id) => id,
  );
};
