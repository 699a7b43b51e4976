import type { RunnerPort } from "../../src/runtimes/index.ts";
import { sameShape, type Tensor, toNumbers } from "../../src/tensor/index.ts";

/** How far an output is from the reference. */
export interface OutputDifference {
  readonly name: string;
  /** max |a - b|; Infinity where the types or shapes differ, or only one side is finite. */
  readonly absolute: number;
  /** absolute / max |b|, with 1e-2 at least below. */
  readonly relative: number;
  /** The absolute difference in steps of the output's quantisation; null for an output without. */
  readonly steps: number | null;
  readonly elements: number;
  /** What differs besides numbers. */
  readonly note?: string;
}

/**
 * Below this magnitude a difference is judged as if the output were as large: a small result of numbers near 1 (a sigmoid
 * of a large negative number, say) is no finer than they are, 2^-23 a rounding.
 */
const LEAST_SCALE = 1e-2;

function absoluteDifference(a: Float64Array, b: Float64Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const difference = Math.abs(x - y);
    most = Math.max(most, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return most;
}

function scaleOf(values: Float64Array): number {
  let most = LEAST_SCALE;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

/** Compares a result with the reference, output by output. `step` is the size of one quantisation step in units of the tensors' numbers (1 for integers). */
export function compareOutput(
  port: Pick<RunnerPort, "name">,
  result: Tensor,
  reference: Tensor,
  step: number | null,
): OutputDifference {
  const text = (t: Tensor) => `${t.dtype}[${t.shape.join(", ")}]`;
  if (result.dtype !== reference.dtype || !sameShape(result.shape, reference.shape)) {
    const note = `${text(result)} instead of ${text(reference)}`;
    const infinite = Number.POSITIVE_INFINITY;
    return {
      name: port.name,
      absolute: infinite,
      relative: infinite,
      steps: null,
      elements: reference.data.length,
      note,
    };
  }
  const [a, b] = [toNumbers(result), toNumbers(reference)];
  const absolute = absoluteDifference(a, b);
  return {
    name: port.name,
    absolute,
    relative: absolute / scaleOf(b),
    steps: step === null ? null : absolute / step,
    elements: b.length,
  };
}
