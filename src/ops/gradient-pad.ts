import { EspalierError } from "../diagnostics/index.ts";
import { normalAxis, type ValueId } from "../ir/index.ts";
import { float32, int64s } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import { type GradientContext, type GradientRule, OpContext } from "./spec.ts";

/** Consecutive positions of an output axis that show consecutive positions of the input: source + i * step for i from 0 to count - 1, step -1, 0 or 1. */
interface Run {
  readonly at: number;
  readonly count: number;
  readonly source: number;
  readonly step: number;
}

/** The longest runs of a map from output to input positions, in order. */
function runsOf(sources: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < sources.length; ) {
    const step = at + 1 < sources.length ? sources[at + 1]! - sources[at]! : 1;
    let count = 1;
    if (Math.abs(step) <= 1)
      while (at + count < sources.length && sources[at + count] === sources[at]! + count * step) count++;
    runs.push({ at, count, source: sources[at]!, step: Math.abs(step) <= 1 ? step : 1 });
    at += count;
  }
  return runs;
}

/** Adds the positions of an axis up where `sources` says that they were copied from, for an input of `size`. */
function addBack(f: Formula, dy: ValueId, axis: number, sources: readonly number[], size: number): ValueId {
  const rank = f.shape(dy).length;
  const parts = runsOf(sources).map(({ at, count, source, step }) => {
    const [from, to] = step < 0 ? [at + count - 1, at === 0 ? Number.MIN_SAFE_INTEGER : at - 1] : [at, at + count];
    const whole = step >= 0 && count === sources.length;
    const slice = () => f.node("Slice", [dy, ...[from, to, axis, step < 0 ? -1 : 1].map((value) => f.ints([value]))]);
    const own = whole ? dy : slice();
    const part = step === 0 ? f.sum(own, [axis]) : own;
    const first = step < 0 ? source - count + 1 : source;
    const wide = step === 0 ? 1 : count;
    if (wide === size) return part;
    const only = (value: number) => Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));
    return f.node("Pad", [part, f.ints([...only(first), ...only(size - first - wide)])]);
  });
  return parts.length === 1 ? parts[0]! : f.node("Sum", parts);
}

/** Which position of an axis of `size` the padded position shows (ONNX Pad-19). */
function sourceOf(mode: string, at: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), size - 1);
  const period = mode === "wrap" ? size : Math.max(2 * (size - 1), 1);
  const place = ((at % period) + period) % period;
  return mode === "reflect" && place >= size ? period - place : place;
}

/**
 * Cuts the padding off (negative pads); what was copied into it is added where it came from. The value gets no gradient.
 * `padsOf` resolves the node's constant inputs (it lives beside Pad, which imports this file).
 */
export function padRule<A extends { readonly mode: string }>(
  padsOf: (c: OpContext<unknown>) => { readonly begins: readonly number[]; readonly ends: readonly number[] },
): GradientRule<A> {
  return (c) => {
    const answer: (ValueId | null)[] = c.inputs.map(() => null);
    if (!c.wants(0)) return answer;
    const { mode } = c.attrs;
    if (!["constant", "reflect", "edge", "wrap"].includes(mode))
      throw new EspalierError("input", `Pad has mode "${mode}", ONNX knows constant, reflect, edge, wrap`, {
        where: `node "${c.node.name}"`,
      });
    const f = formulaOf(c);
    const { begins, ends } = padsOf(factsOf(c));
    const dy = c.outputGradients[0]!;
    if (mode === "constant") answer[0] = f.node("Pad", [dy, f.ints([...begins, ...ends].map((amount) => -amount))]);
    else
      answer[0] = f.shape(c.inputs[0]!).reduce((gradient, size, axis) => {
        if (begins[axis] === 0 && ends[axis] === 0) return gradient;
        const sources = Array.from({ length: f.shape(dy)[axis]! }, (_, at) => sourceOf(mode, at - begins[axis]!, size));
        return addBack(f, gradient, axis, sources, size);
      }, dy);
    return answer;
  };
}

function factsOf<A>(c: GradientContext<A>): OpContext<A> {
  const facts = c.inputs.map((id) => (id === null ? null : c.builder.value(id)));
  return new OpContext(c.node.op, c.attrs, facts, c.outputs.length);
}

/** Pads what was cropped with zeros and crops what was padded: the odd position is at the end both times (ONNX CenterCropPad-18). */
export const centerCropPad: GradientRule<unknown> = (c) => {
  if (!c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const [input, output] = [f.shape(c.inputs[0]!), f.shape(dy)];
  const begins = input.map((size, i) => Math.trunc((size - output[i]!) / 2));
  const ends = input.map((size, i) => size - output[i]! - begins[i]!);
  return [f.node("Pad", [dy, f.ints([...begins, ...ends])]), null];
};

/**
 * Each kept position takes its gradient back, the others take a zero that is appended. `keptOf` resolves the node's constant condition, `flatAxis`
 * stands for the flattened input (both live beside Compress, which imports this file).
 */
export const compressRule =
  <A extends { readonly axis: number }>(
    keptOf: (c: OpContext<A>) => readonly number[],
    flatAxis: number,
  ): GradientRule<A> =>
  (c) => {
    if (!c.wants(0)) return [null, null];
    const f = formulaOf(c);
    const input = f.shape(c.inputs[0]!);
    const flat = c.attrs.axis === flatAxis;
    const axis = flat ? 0 : normalAxis(c.attrs.axis, input.length);
    const size = flat ? input.reduce((a, b) => a * b, 1) : input[axis]!;
    const kept = keptOf(factsOf(c));
    const dy = c.outputGradients[0]!;
    const zero = f.shape(dy).map((dim, i) => (i === axis ? 1 : dim));
    const zeros = f.constant(float32(zero, new Float32Array(zero.reduce((a, b) => a * b, 1))));
    const places = new Array<number>(size).fill(kept.length);
    kept.forEach((place, i) => {
      places[place] = i;
    });
    const joined = f.node("Concat", [dy, zeros], { axis });
    const all = f.node("Gather", [joined, f.constant(int64s(places))], { axis });
    return [flat ? f.reshape(all, input) : all, null];
  };
