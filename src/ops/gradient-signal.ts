import { normalAxis, type ValueId } from "../ir/index.ts";
import { int64s, scalar, toInts } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

/** Cuts an axis to `size` positions, or fills it up with zeros. */
function resized(f: Formula, id: ValueId, axis: number, size: number): ValueId {
  const shape = f.shape(id);
  const missing = size - shape[axis]!;
  return missing === 0
    ? id
    : f.node("Pad", [id, f.ints([...shape.map(() => 0), ...shape.map((_, i) => (i === axis ? missing : 0))])]);
}

/** The sum over the frequencies k of a spectrum [..., 2] times e^(2 pi i k n / length): the adjoint of a DFT of that length, [..., `components`]. */
function adjoint(f: Formula, spectrum: ValueId, axis: number, length: number, components: number): ValueId {
  // A one-sided spectrum has no other half to add.
  const whole = resized(f, spectrum, axis, length);
  const back = f.node("DFT", [whole, null, f.constant(scalar("int64", axis))], { inverse: 1 });
  // The inverse transform divides by the length.
  return resized(f, f.mul(back, f.number(length)), f.shape(spectrum).length - 1, components);
}

function intOf(c: GradientContext<unknown>, i: number): number | null {
  const id = c.inputs[i];
  const data = id === undefined || id === null ? undefined : c.builder.value(id).data;
  return data === undefined ? null : (toInts(data)[0] ?? null);
}

/** A linear map: the gradient goes through the conjugate transpose. */
export const dft: GradientRule<{ readonly inverse: number }> = (c) => {
  const answer: (ValueId | null)[] = c.inputs.map(() => null);
  if (!c.wants(0)) return answer;
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const shape = f.shape(c.inputs[0]!);
  const axis = normalAxis(intOf(c, 2) ?? -2, shape.length);
  const length = intOf(c, 1) ?? shape[axis]!;
  const components = shape[shape.length - 1]!;
  const plain = () => {
    const forward = f.node("DFT", [dy, null, f.constant(scalar("int64", axis))]);
    return resized(f, f.mul(forward, f.number(1 / length)), shape.length - 1, components);
  };
  const whole = c.attrs.inverse !== 0 ? plain() : adjoint(f, dy, axis, length, components);
  answer[0] = resized(f, whole, axis, shape[axis]!);
  return answer;
};

/** Each frame's gradient is the adjoint of its DFT; it goes to the window through the frame, and to the signal, where frames overlap, added up. */
export const stft: GradientRule<unknown> = (c) => {
  const answer: (ValueId | null)[] = c.inputs.map(() => null);
  const f = formulaOf(c);
  const [signal, , window] = c.inputs;
  const [batch, length, components] = f.shape(signal!) as [number, number, number];
  const step = intOf(c, 1)!;
  const windowed = window !== undefined && window !== null;
  const frame = windowed ? f.shape(window)[0]! : intOf(c, 3)!;
  const count = f.shape(c.outputs[0]!)[1]!;
  // [batch, frames, frame, components].
  const back = adjoint(f, c.outputGradients[0]!, 2, frame, components);
  const places = Array.from({ length: count * frame }, (_, i) => Math.floor(i / frame) * step + (i % frame));
  if (c.wants(0)) {
    const scaled = windowed ? f.mul(back, f.reshape(window, [frame, 1])) : back;
    const columns = f.reshape(f.transpose(scaled, [0, 3, 2, 1]), [batch, components * frame, count]);
    const covered = (count - 1) * step + frame;
    const sum = f.node("Col2Im", [columns, f.ints([1, covered]), f.ints([1, frame])], { strides: [1, step] });
    const lines = f.transpose(f.reshape(sum, [batch, components, covered]), [0, 2, 1]);
    answer[0] = resized(f, lines, 1, length);
  }
  if (windowed && c.wants(2)) {
    const frames = f.node("Gather", [signal!, f.constant(int64s(places))], { axis: 1 });
    const product = f.mul(f.reshape(frames, [batch, count, frame, components]), back);
    answer[2] = f.sum(product, [0, 1, 3], false);
  }
  return answer;
};
