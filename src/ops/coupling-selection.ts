import { normalAxis, staticDim } from "../ir/index.ts";
import { stridesOf } from "../tensor/index.ts";
import type { CouplingContext, CutView, NodeChange } from "./coupling-rule.ts";

interface AxisPart {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** `count` positions from `start` on, `step` apart. */
function range(start: number, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** Where positions stand among those that are kept. */
function ranks(positions: readonly number[], kept: readonly number[]): number[] {
  const rank = new Map(kept.map((position, i) => [position, i]));
  return positions.flatMap((position) => rank.get(position) ?? []);
}

export function coupleSplit(c: CouplingContext<{ readonly axis: number }>, sizes: readonly number[]): void {
  const axis = normalAxis(c.facts.attrs.axis, c.facts.shape(0).length);
  let start = 0;
  sizes.slice(0, c.facts.outputCount).forEach((size, output) => {
    c.select([{ axis, positions: range(start, size) }], output);
    start += size;
  });
  c.onCut((view) => ({
    ints: [{ input: 1, values: sizes.map((_, j) => view.outputShape(j)[axis] as number) }],
    attrs: { num_outputs: null },
  }));
}

export function coupleSlice(c: CouplingContext<unknown>, slices: readonly AxisPart[]): void {
  c.select(slices.map((slice) => ({ axis: slice.axis, positions: range(slice.start, slice.count, slice.step) })));
  c.onCut((view) => recutSlices(view, slices));
}

/** The same slices of what a cut leaves; an axis on which they are no longer evenly spaced is gathered instead. */
function recutSlices(view: CutView, slices: readonly AxisPart[]): NodeChange {
  const gathers: { axis: number; positions: number[] }[] = [];
  const rows = slices.map(({ axis, start, step }) => {
    const kept = view.inputKept(0, axis);
    const at = ranks(
      view.outputKept(0, axis).map((position) => start + position * step),
      kept,
    );
    const stride = at.length > 1 ? at[1]! - at[0]! : 1;
    if (at.length === 0 || at.some((position, i) => position !== at[0]! + i * stride)) {
      gathers.push({ axis, positions: at });
      return { axis, from: 0, to: kept.length, stride: 1 };
    }
    const to = at[at.length - 1]! + Math.sign(stride);
    // An end of -1 would count from the back; a very low number means "through the first".
    return { axis, from: at[0]!, to: to < 0 ? -(2 ** 31) : to, stride };
  });
  const ints = [rows.map((r) => r.from), rows.map((r) => r.to), rows.map((r) => r.axis), rows.map((r) => r.stride)];
  return { ints: ints.map((values, i) => ({ input: i + 1, values })), gathers };
}

/** Constant indices select positions; computed ones (an embedding) may read any position of the axis. */
export function coupleGather(c: CouplingContext<{ readonly axis: number }>): void {
  const x = c.facts.shape(0);
  const axis = normalAxis(c.facts.attrs.axis, x.length);
  const data = c.facts.inputs[1]?.data;
  if (data === undefined) {
    c.lookUp(axis, c.facts.shape(1).length);
    return;
  }
  const size = staticDim(x[axis], "A gathered size");
  const positions = c.facts.ints(1).map((index) => (index < 0 ? index + size : index));
  c.gather(axis, positions, data.shape);
  const strides = stridesOf(data.shape);
  c.onCut((view) => {
    const kept = data.shape.map((_, i) => view.outputKept(0, axis + i));
    let flat: number[] = [0];
    kept.forEach((along, i) => {
      flat = flat.flatMap((base) => along.map((position) => base + position * strides[i]!));
    });
    const wanted = flat.map((at) => positions[at]!);
    return { ints: [{ input: 1, values: ranks(wanted, view.inputKept(0, axis)), shape: kept.map((k) => k.length) }] };
  });
}

/** A constant choice of positions; without an axis (`null`) the whole input is flattened first, and keeps its size. The condition follows the cut. */
export function coupleCompress(c: CouplingContext<unknown>, axis: number | null, positions: readonly number[]): void {
  if (axis === null) {
    c.freeze(0, "mixed");
    return;
  }
  c.select([{ axis, positions }]);
  const chosen = new Set(positions);
  c.onCut((view) => ({
    ints: [{ input: 1, values: view.inputKept(0, axis).map((position) => (chosen.has(position) ? 1 : 0)) }],
  }));
}

export function couplePad(
  c: CouplingContext<{ readonly mode: string }>,
  begins: readonly number[],
  ends: readonly number[],
): void {
  const padded = begins.flatMap((begin, axis) => (begin !== 0 || ends[axis] !== 0 ? [axis] : []));
  // Reflected and repeated positions are copies of their neighbours, which a cut would exchange for others.
  if (c.facts.attrs.mode !== "constant") c.freeze(0, "mixed", padded);
  c.pad(begins, ends);
  const sizes = c.facts.shape(0);
  c.onCut((view) => recutPads(view, padded, { begins, ends, sizes: padded.map((axis) => Number(sizes[axis])) }));
}

/** Padding of what a cut leaves: padded positions are counted again, and so are those that were cropped away. */
function recutPads(
  view: CutView,
  axes: readonly number[],
  was: { readonly begins: readonly number[]; readonly ends: readonly number[]; readonly sizes: readonly number[] },
): NodeChange {
  const sides = axes.map((axis, i) => {
    const [begin, end, size] = [was.begins[axis]!, was.ends[axis]!, was.sizes[i]!];
    const input = view.inputKept(0, axis);
    const output = view.outputKept(0, axis);
    return {
      begin: begin >= 0 ? output.filter((p) => p < begin).length : -input.filter((p) => p < -begin).length,
      end: end >= 0 ? output.filter((p) => p >= begin + size).length : -input.filter((p) => p >= size + end).length,
    };
  });
  const values = [...sides.map((side) => side.begin), ...sides.map((side) => side.end)];
  return {
    ints: [
      { input: 1, values },
      { input: 3, values: axes },
    ],
  };
}
