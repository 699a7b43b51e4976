import { EspalierError } from "../../diagnostics/index.ts";
import { fromNumbers, sizeOf, type Tensor, tensor, toNumbers } from "../../tensor/index.ts";

/** Visits each run of `m` elements that follow one another along an axis, the last of which may be shorter: offset of the first, step, length. */
function forEachRun(
  shape: readonly number[],
  axis: number,
  m: number,
  visit: (first: number, step: number, length: number) => void,
): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const size = shape[axis]!;
  for (let o = 0; o < outer; o++)
    for (let start = 0; start < size; start += m)
      for (let i = 0; i < inner; i++) visit((o * size + start) * inner + i, inner, Math.min(m, size - start));
}

function checkPattern(weight: Tensor, axis: number, n: number, m: number): void {
  if (weight.shape[axis] === undefined || !Number.isInteger(n) || !Number.isInteger(m) || n < 1 || n > m)
    throw new EspalierError(
      "input",
      `A ${n}:${m} mask along axis ${axis} does not fit a weight of shape [${weight.shape.join(", ")}]`,
    );
}

/**
 * The mask (1 keeps) with, in each run of `m` elements along `axis`, the `n` largest magnitudes; ties keep the earlier. What is left when `m` does not divide
 * the axis counts as a run that is filled up with zeros: of r elements the largest min(n, r) stay. For 2:4 on NVIDIA Ampere the axis is the one that is
 * summed over: input channels of a Conv for each output channel and kernel position (the weight seen as KRSC, runs along C), K of a matrix product (NVIDIA,
 * Accelerating Inference with Sparsity Using the Ampere Architecture and TensorRT).
 */
export function maskNofM(weight: Tensor, axis: number, n = 2, m = 4): Tensor<"uint8"> {
  checkPattern(weight, axis, n, m);
  const values = toNumbers(weight);
  const keep = new Uint8Array(values.length);
  forEachRun(weight.shape, axis, m, (first, step, length) => {
    const magnitude = (i: number) => Math.abs(values[first + i * step]!);
    const best = Array.from({ length }, (_, i) => i).sort((a, b) => magnitude(b) - magnitude(a) || a - b);
    for (let i = 0; i < Math.min(n, length); i++) keep[first + best[i]! * step] = 1;
  });
  return tensor("uint8", weight.shape, keep);
}

/** The weight with zeros where the mask is 0. */
export function applyMask(weight: Tensor, mask: Tensor): Tensor {
  const values = toNumbers(weight);
  const keep = toNumbers(mask);
  for (let i = 0; i < values.length; i++) if (keep[i] === 0) values[i] = 0;
  return fromNumbers(weight.dtype, weight.shape, values);
}

/** The number of runs of `m` along `axis` (the last may be shorter) with more than `n` elements that are not zero: 0 means that the pattern holds. */
export function checkNofM(weight: Tensor, axis: number, n = 2, m = 4): number {
  checkPattern(weight, axis, n, m);
  const values = toNumbers(weight);
  let broken = 0;
  forEachRun(weight.shape, axis, m, (first, step, length) => {
    let count = 0;
    for (let i = 0; i < length; i++) if (values[first + i * step] !== 0) count++;
    if (count > n) broken++;
  });
  return broken;
}
