import type { Dim, ValueId } from "../../../ir/index.ts";
import { DTYPES } from "../../../tensor/index.ts";
import type { OperatorReaders, Step } from "./step.ts";

/** "To the end": ends beyond the size are clamped (ONNX Slice-13). */
const END = Number.MAX_SAFE_INTEGER;

interface AxisRange {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** States the output of an operator that cuts input 0; one that cuts nothing passes it on. */
function putSliced(s: Step, ranges: readonly AxisRange[]): void {
  if (isWhole(ranges)) s.pass(0, 0);
  else s.put(0, sliced(s, s.real(0), ranges));
}

function isWhole(ranges: readonly AxisRange[]): boolean {
  return ranges.every(({ start, end, step }) => start === 0 && end === END && step === 1);
}

/** x cut along the axes of which something is left out. */
export function sliced(s: Step, x: ValueId, ranges: readonly AxisRange[]): ValueId {
  const cut = ranges.filter(({ start, end, step }) => start !== 0 || end !== END || step !== 1);
  if (cut.length === 0) return x;
  const list = (pick: (range: AxisRange) => number) => s.longs(cut.map(pick));
  return s.node("Slice", [x, list((r) => r.start), list((r) => r.end), list((r) => r.axis), list((r) => r.step)]);
}

/** Begins and sizes; -1 is what is left. */
function slice(s: Step): void {
  const begins = s.ints(1);
  const sizes = known(s, 2);
  const shape = s.shape(0);
  if (begins.length !== shape.length || sizes.length !== shape.length)
    s.fail(`SLICE of a tensor of rank ${shape.length} has ${begins.length} begins and ${sizes.length} sizes`);
  const ranges = shape.map((dim, axis) => {
    const size = sizes[axis]!;
    const start = begins[axis]!;
    if (size === dim && start === 0) return { axis, start: 0, end: END, step: 1 };
    if (typeof size !== "number") return s.refuse(`SLICE of axis ${axis} takes a size that depends on the batch`);
    if (size < -1 || start < 0 || (typeof dim === "number" && start + Math.max(size, 0) > dim))
      s.fail(`SLICE takes ${size} from ${start} on of axis ${axis} of size ${dim}`);
    const end = size === -1 || start + size === dim ? END : start + size;
    return { axis, start, end, step: 1 };
  });
  putSliced(s, ranges);
}

/** Sizes in input i, the batch's symbol among them. */
function known(s: Step, i: number): readonly Dim[] {
  return s.sizes(i) ?? s.ints(i);
}

/**
 * StridedSlice with TensorFlow's masks (tensorflow/lite/kernels/strided_slice.cc): bit k of a mask speaks of position k of the lists.
 * An ellipsis stands for all axes that the others leave; a new axis is added, a shrunk one removed after slicing.
 */
function stridedSlice(s: Step): void {
  const o = s.options("StridedSliceOptions");
  const [begins, ends, steps] = [known(s, 1), known(s, 2), s.ints(3)];
  const shape = s.shape(0);
  const count = begins.length;
  if (ends.length !== count || steps.length !== count || count > 32)
    s.fail(`STRIDED_SLICE has ${count} begins, ${ends.length} ends and ${steps.length} strides`);
  const bit = (mask: number, k: number) => ((mask >>> k) & 1) === 1;
  const ellipsis = begins.findIndex((_, k) => bit(o.ellipsisMask, k));
  const taken = begins.filter((_, k) => k !== ellipsis && !isNew(k)).length;
  function isNew(k: number): boolean {
    return bit(o.newAxisMask, k) && k !== ellipsis;
  }
  if (taken > shape.length) s.fail(`STRIDED_SLICE cuts ${taken} axes of a tensor of rank ${shape.length}`);

  const ranges: AxisRange[] = [];
  const shrunk: number[] = [];
  const added: number[] = [];
  let axis = 0;
  let place = 0; // axis of the result
  for (let k = 0; k < count; k++) {
    if (k === ellipsis) {
      axis += shape.length - taken;
      place += shape.length - taken;
    } else if (isNew(k)) added.push(place++);
    else {
      const shrink = bit(o.shrinkAxisMask, k);
      const masks = { begin: bit(o.beginMask, k), end: bit(o.endMask, k), shrink, offset: o.offset };
      ranges.push(rangeOf(s, axis, shape[axis]!, begins[k]!, ends[k]!, steps[k]!, masks));
      if (shrink) shrunk.push(axis);
      else place++;
      axis++;
    }
  }
  if (shrunk.length === 0 && added.length === 0) {
    putSliced(s, ranges);
    return;
  }
  let y = sliced(s, s.real(0), ranges);
  if (shrunk.length > 0) y = s.node("Squeeze", [y, s.longs(shrunk)]);
  if (added.length > 0) y = s.node("Unsqueeze", [y, s.longs(added)]);
  s.put(0, y);
}

interface Masks {
  readonly begin: boolean;
  readonly end: boolean;
  readonly shrink: boolean;
  readonly offset: boolean;
}

function rangeOf(s: Step, axis: number, size: Dim, begin: Dim, end: Dim, step: number, masks: Masks): AxisRange {
  if (step === 0) s.fail("STRIDED_SLICE has a stride of 0");
  const whole = (masks.begin || begin === 0) && (masks.end || end === size);
  if (step === 1 && whole && !masks.shrink) return { axis, start: 0, end: END, step };
  const from = masks.begin && !masks.shrink ? (step > 0 ? 0 : END) : begin;
  if (typeof from !== "number" || typeof end !== "number")
    return s.refuse(`STRIDED_SLICE cuts axis ${axis} at a place that depends on the batch`);
  if (masks.shrink) {
    if (typeof size === "number" && (from < -size || from >= size))
      s.fail(`STRIDED_SLICE takes element ${from} of axis ${axis} of size ${size}`);
    return { axis, start: from, end: from === -1 ? END : from + 1, step: 1 };
  }
  const to = masks.offset ? from + end : end;
  return { axis, start: from, end: masks.end ? (step > 0 ? END : -END) : to, step };
}

function reverse(s: Step): void {
  const axes = s.ints(1).map((axis) => s.axis(axis, s.rank(0)));
  s.put(0, reversed(s, s.real(0), axes));
}

export function reversed(s: Step, x: ValueId, axes: readonly number[]): ValueId {
  return sliced(
    s,
    x,
    axes.map((axis) => ({ axis, start: END, end: -END, step: -1 })),
  );
}

/** The first lengths[b] steps of each sequence turned round; ONNX has batch and time as the first two axes. */
function reverseSequence(s: Step): void {
  const { seqDim, batchDim } = s.options("ReverseSequenceOptions");
  const [time, batch] = [s.axis(seqDim, s.rank(0)), s.axis(batchDim, s.rank(0))];
  if (time === batch) s.fail(`REVERSE_SEQUENCE has batch and time on axis ${time}`);
  const lengths = s.node("Cast", [s.raw(1)], { to: DTYPES.int64.onnx });
  const rest = s.shape(0).flatMap((_, axis) => (axis === time || axis === batch ? [] : [axis]));
  const perm = time + batch === 1 ? null : [batch, time, ...rest];
  const x = perm === null ? s.real(0) : s.node("Transpose", [s.real(0)], { perm });
  const turned = s.node("ReverseSequence", [x, lengths], {
    batch_axis: perm === null ? batch : 0,
    time_axis: perm === null ? time : 1,
  });
  const back = perm?.map((_, axis) => perm.indexOf(axis));
  s.put(0, back === undefined ? turned : s.node("Transpose", [turned], { perm: back }));
}

export const SLICES: OperatorReaders = {
  SLICE: { read: slice, gives: ["Slice"] },
  STRIDED_SLICE: { read: stridedSlice, gives: ["Slice", "Squeeze", "Unsqueeze"] },
  REVERSE_SEQUENCE: { read: reverseSequence, gives: ["ReverseSequence"] },
  REVERSE_V2: { read: reverse, gives: ["Slice"] },
};
