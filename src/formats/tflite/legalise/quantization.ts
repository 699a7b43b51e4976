import type { Rule } from "../../../rewrite/index.ts";
import { DTYPES, toNumbers } from "../../../tensor/index.ts";
import { composition, num } from "./compose.ts";

/**
 * Real numbers rounded to a grid that TFLite has no integers for (16 bits with a zero point, or unsigned): the same
 * rounding in float32, (clamp(round(x / scale) + zero) - zero) scale.
 */
const grid = composition("round-to-grid", "DequantizeLinear", (c) => {
  const quantizer = c.view.producer(c.node.inputs[0]);
  const dtype = c.dtype(c.in(0));
  if (quantizer?.op !== "QuantizeLinear" || (dtype !== "int16" && dtype !== "uint16")) return null;
  const [scale, zero] = [c.constant(1), c.has(2) ? c.constant(2) : null];
  if (scale === null || scale.data.length !== 1 || (c.has(2) && zero === null)) return null;
  const same = (i: number) => c.view.constant(quantizer.inputs[i])?.data[0] === c.constant(i)?.data[0];
  const point = zero === null ? 0 : toNumbers(zero)[0]!;
  if (!same(1) || !same(2) || (dtype === "int16" && point === 0)) return null;
  const { signed } = DTYPES[dtype];
  const [low, high] = signed ? [-32768, 32767] : [0, 65535];
  const step = toNumbers(scale)[0]!;
  const rounded = c.op("Round", [c.op("Div", [quantizer.inputs[0]!, num(step)])]);
  return c.op("Mul", [c.op("Clip", [rounded, num(low - point), num(high - point)]), num(step)]);
});

export const quantizationRules: readonly Rule[] = [grid];
