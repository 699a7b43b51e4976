import { resolvePads } from "../../../ops/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { composition } from "./compose.ts";

/** Pads that repeat the input (edge, wrap, and reflections beyond TFLite's) are GATHERs along the padded axes; negative pads are a Slice. */
const pad = composition("pad-by-gather", "Pad", (c) => {
  const { begins, ends } = resolvePads(c.view.context(c.node));
  const mode = c.attrs.mode as string;
  const shape = c.shape(c.in(0));
  if (mode === "constant") {
    if ([...begins, ...ends].every((size) => size >= 0)) return null;
    const axes = shape.map((_, axis) => axis);
    const starts = begins.map((size) => Math.max(0, -size));
    const stops = shape.map((size, axis) => size - Math.max(0, -ends[axis]!));
    const cut = c.op("Slice", [c.in(0), c.ints(starts), c.ints(stops), c.ints(axes)]);
    const rest = [...begins, ...ends].map((size) => Math.max(0, size));
    if (rest.every((size) => size === 0)) return cut;
    return c.op("Pad", [cut, c.ints(rest), c.has(2) ? c.in(2) : null], { mode });
  }
  if (mode === "reflect" && [...begins, ...ends].every((size, i) => size >= 0 && size < shape[i % shape.length]!))
    return null;
  let x = c.in(0);
  shape.forEach((size, axis) => {
    if (begins[axis] === 0 && ends[axis] === 0) return;
    const length = begins[axis]! + size + ends[axis]!;
    const order = Array.from({ length }, (_, i) => source(i - begins[axis]!, size, mode));
    x = c.op("Gather", [x, c.ints(order)], { axis });
  });
  return x === c.in(0) ? c.op("Identity", [x]) : x;
});

/** The position that a padded place repeats. */
function source(at: number, size: number, mode: string): number {
  const wrap = (value: number, period: number) => ((value % period) + period) % period;
  if (mode === "edge") return Math.max(0, Math.min(size - 1, at));
  if (mode === "wrap") return wrap(at, size);
  const folded = size === 1 ? 0 : wrap(at, 2 * size - 2);
  return Math.min(folded, 2 * size - 2 - folded);
}

export const padRules: readonly Rule[] = [pad];
