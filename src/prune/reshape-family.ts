import { productOf, type Shape } from "../ir/index.ts";
import { expandFamily, type Family } from "./family.ts";

/** A run of input axes that holds the same elements as a run of output axes. */
export interface Segment {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function sameProduct(a: Shape, b: Shape): boolean {
  const left = productOf(a);
  const right = productOf(b);
  return left.factor === right.factor && left.symbols.join() === right.symbols.join();
}

/** Splits a reshape into its smallest independent runs of axes, row-major order kept; a size-1 axis may stand alone. */
export function reshapeSegments(input: Shape, output: Shape): Segment[] {
  const segments: Segment[] = [];
  let i = 0;
  let j = 0;
  while (i < input.length || j < output.length) {
    if (i < input.length && j < output.length && input[i] === output[j]) {
      segments.push({ from: [i++], to: [j++] });
    } else if (i < input.length && input[i] === 1) segments.push({ from: [i++], to: [] });
    else if (j < output.length && output[j] === 1) segments.push({ from: [], to: [j++] });
    else {
      const from = i < input.length ? [i++] : [];
      const to = j < output.length ? [j++] : [];
      const sizes = (axes: readonly number[], shape: Shape) => axes.map((axis) => shape[axis]!);
      while (!sameProduct(sizes(from, input), sizes(to, output)) && (i < input.length || j < output.length)) {
        const left = productOf(sizes(from, input));
        const right = productOf(sizes(to, output));
        const takeInput =
          j >= output.length ||
          (i < input.length && (left.factor < right.factor || left.symbols.length < right.symbols.length));
        if (takeInput) from.push(i++);
        else to.push(j++);
      }
      segments.push({ from, to });
    }
  }
  return segments;
}

/** Above this many entries an index tensor is not worth spelling out (a flatten of 512 x 56 x 56 has 1.6 million). */
const largestIndexTensor = 1 << 23;

/** A family carried through a reshape, or null where it cannot be followed (it is merged with a symbolic axis, or would be huge). */
export function reshapeFamily(family: Family, input: Shape, output: Shape): Family | null {
  const spelled = new Array<number>(input.length).fill(1);
  const shape = new Array<number>(output.length).fill(1);
  for (const { from, to } of reshapeSegments(input, output)) {
    if (from.every((axis) => family.shape[axis] === 1)) continue;
    if (!sameProduct(sizesAt(input, from), sizesAt(output, to))) return null;
    for (const axis of from) {
      const size = input[axis]!;
      if (typeof size !== "number") return null;
      spelled[axis] = size;
    }
    for (const axis of to) {
      const size = output[axis]!;
      if (typeof size !== "number") return null;
      shape[axis] = size;
    }
  }
  if (spelled.reduce((a, b) => a * b, 1) > largestIndexTensor) return null;
  return { shape, ids: expandFamily(family, spelled).ids };
}

function sizesAt(shape: Shape, axes: readonly number[]): Shape {
  return axes.map((axis) => shape[axis]!);
}
