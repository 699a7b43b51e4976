import type { ValueId } from "../../../src/ir/index.ts";
import type { DType } from "../../../src/tensor/index.ts";
import { type Construction, PLACES, type RandomGraph, SIDE } from "../random-graph.ts";

const whole = (g: RandomGraph, shape: readonly number[], dtype: DType) =>
  g.drawn(shape, () => Math.round(20 * g.random.normal()), dtype);

/** int8 weights with a scale for each output and, perhaps, zero points. */
function quantisedWeight(g: RandomGraph, shape: readonly number[], axis: number): ValueId {
  const scale = g.drawn([shape[axis]!], () => 0.01 + 0.02 * g.random.next());
  const zero = g.drawn([shape[axis]!], () => 0, "int8");
  return g.node("DequantizeLinear", [whole(g, shape, "int8"), scale, zero], { axis });
}

/** Exact values rounded to 8 bits with one scale or one for each channel, and back. */
function rounded(g: RandomGraph, x: ValueId, perChannel: boolean): ValueId {
  const c = g.channels(x);
  const scale = perChannel ? g.drawn([c], () => 0.02 + 0.02 * g.random.next()) : g.number(0.03);
  const zero = perChannel ? g.drawn([c], () => 3, "uint8") : g.number(128, "uint8");
  const attrs = perChannel ? { axis: 1 } : {};
  return g.node("DequantizeLinear", [g.node("QuantizeLinear", [x, scale, zero], attrs), scale, zero], attrs);
}

/** A convolution of 8-bit numbers with scales of its own, as dynamic quantisation writes it. */
const convInteger: Construction = (g, s) => {
  const x = g.map(s.a);
  const [bytes, scale, zero] = g.nodes("DynamicQuantizeLinear", [g.exact(3)], {}, 3) as [ValueId, ValueId, ValueId];
  const sums = g.node("ConvInteger", [bytes, whole(g, [g.channels(x), 3, 1, 1], "int8"), zero]);
  const scaled = g.node("Mul", [g.cast(sums, "float32"), g.node("Mul", [scale, g.number(0.01)])]);
  return [g.beyond(x, scaled)];
};

const matMulInteger: Construction = (g, s) => {
  const x = g.tokens(s.a);
  const flat = g.node("Transpose", [g.reshape(g.exact(3), 0, 3, PLACES)], { perm: [0, 2, 1] });
  const [bytes, scale, zero] = g.nodes("DynamicQuantizeLinear", [flat], {}, 3) as [ValueId, ValueId, ValueId];
  const weight = whole(g, [3, g.channels(x)], "int8");
  const sums = g.node("MatMulInteger", [bytes, weight, zero, g.number(1, "int8")]);
  return [g.beyond(x, g.node("Mul", [g.cast(sums, "float32"), g.node("Mul", [scale, g.number(0.01)])]))];
};

/** Quantised pieces. */
export const integers: Readonly<Record<string, Construction>> = {
  "quantised conv": (g, s) => {
    const x = rounded(g, g.exact(3 + (s.a % 3)), s.b % 2 === 0);
    const out = 2 + (s.size % 5);
    return [g.node("Conv", [x, quantisedWeight(g, [out, g.channels(x), 1, 1], 0)])];
  },
  "quantised weights": (g, s) => {
    const x = g.map(s.a);
    const out = 2 + (s.size % 5);
    return [g.node("Conv", [x, quantisedWeight(g, [out, g.channels(x), 1, 1], 0), g.weight(out)])];
  },
  "quantised depthwise": (g, s) => {
    const x = rounded(g, g.exact(4), s.b % 2 === 0);
    const attrs = { group: 4, pads: [1, 1, 1, 1] };
    return [g.node("Conv", [x, quantisedWeight(g, [4 * (1 + (s.size % 2)), 1, 3, 3], 0)], attrs)];
  },
  "quantised product": (g, s) => {
    const x = g.tokens(s.a);
    return [g.node("MatMul", [x, quantisedWeight(g, [g.channels(x), 2 + (s.size % 4)], 1)])];
  },
  "quantised residual": (g, s) => {
    const x = rounded(g, g.exact(4), s.b % 2 === 0);
    return [g.reshape(g.node("Add", [x, g.conv(x, 4, 3)]), 0, 4, SIDE, SIDE)];
  },
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
};
