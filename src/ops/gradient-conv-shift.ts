import type { ValueId } from "../ir/index.ts";
import { float32 } from "../tensor/index.ts";
import type { ConvFacts } from "./gradient-conv-weight.ts";

/** Multiply-adds of a matrix product that take as long as copying one number (measured on one AVX-512 core in ONNX Runtime: about 50 a nanosecond against 1.5). */
const PRODUCTS_A_COPY = 35;

/** Where the numbers of one channel lie: images, rows and columns in one line, with zeros between rows and between images that padding may read. */
interface Line {
  /** From one row to the next, and from one image to the next in rows. */
  readonly pitch: number;
  readonly rows: number;
  /** All images. */
  readonly length: number;
  /** Zeros before each copy of dy (one a kernel row) and of x (one a kernel column), so that the same index meets in both. */
  readonly before: { readonly dy: readonly number[]; readonly x: readonly number[] };
  /** Length of a copy with its zeros. */
  readonly total: number;
}

/** Null where the formulation does not apply: it is for images, stride 1 and kernels of more than one tap. */
function lineOf({ input, weight, output, window, group }: ConvFacts): Line | null {
  if (group !== 1 || window.kernel.length !== 2 || window.strides.some((stride) => stride > 1)) return null;
  const [kernelRows, kernelColumns] = [weight[2]!, weight[3]!];
  if (kernelRows * kernelColumns === 1) return null;
  const [top, left, bottom, right] = window.pads as [number, number, number, number];
  const pitch = Math.max(input[3]! + Math.max(left, right), output[3]!);
  const rows = Math.max(input[2]! + Math.max(top, bottom), output[2]!);
  const length = input[0]! * rows * pitch;
  const [down, along] = [window.dilations[0]! * pitch, window.dilations[1]!];
  const x = Array.from({ length: kernelColumns }, (_, k) => top * pitch + left - k * along);
  const first = Math.max(0, -Math.min(...x));
  const before = {
    dy: Array.from({ length: kernelRows }, (_, k) => first + k * down),
    x: x.map((zeros) => first + zeros),
  };
  return { pitch, rows, length, before, total: length + Math.max(...before.dy, ...before.x) };
}

/** Cost of `shiftedProduct` in multiply-adds; null where it does not apply. */
export function shiftedProductCost(facts: ConvFacts): { readonly shifted: number; readonly windows: number } | null {
  const line = lineOf(facts);
  if (line === null) return null;
  const { input, weight, output } = facts;
  const [kernelRows, kernelColumns] = [weight[2]!, weight[3]!];
  const weights = weight.reduce((a, b) => a * b, 1);
  const positions = output[0]! * output[2]! * output[3]!;
  const [x, dy] = [input.reduce((a, b) => a * b, 1), positions * output[1]!];
  return {
    shifted: PRODUCTS_A_COPY * ((2 + kernelColumns) * x + (2 + kernelRows) * dy) + weights * line.total,
    windows: PRODUCTS_A_COPY * (1 + 2 * kernelRows * kernelColumns) * x + weights * positions,
  };
}

/**
 * dw of a convolution of stride 1 in one product without gathering windows. In a line of rows with zeros between them a tap is a shift, and the shift of
 * tap (i, j) is one by i rows and one by j columns: dy is copied once a kernel row and x once a kernel column, and the product of all copies holds every
 * tap. A 3x3 kernel takes 3 copies of each instead of 9 of x.
 */
export function shiftedProduct(facts: ConvFacts): ValueId {
  const { f, x, dy, input, weight, output } = facts;
  const line = lineOf(facts)!;
  const [maps, channels, kernelRows, kernelColumns] = weight as [number, number, number, number];
  const stack = (id: ValueId, shape: readonly number[], before: readonly number[]) => {
    const count = shape[1]!;
    const spread = f.node("Pad", [
      f.transpose(id, [1, 0, 2, 3]),
      f.ints([0, 0, 0, 0, 0, 0, line.rows - shape[2]!, line.pitch - shape[3]!]),
    ]);
    const flat = f.reshape(spread, [count, line.length]);
    const zeros = (length: number) =>
      length === 0 ? [] : [f.constant(float32([count, length], new Float32Array(count * length)))];
    const parts = before.flatMap((own, k) => {
      const rest = k === 0 ? 0 : line.total - line.length - before[k - 1]!;
      return [...zeros(rest + own), flat];
    });
    const copies = [...parts, ...zeros(line.total - line.length - before.at(-1)!)];
    const joined = copies.length === 1 ? flat : f.node("Concat", copies, { axis: 1 });
    return f.reshape(joined, [count * before.length, line.total]);
  };
  const rows = stack(dy, output, line.before.dy);
  const columns = stack(x, input, line.before.x);
  const taps = f.node("Gemm", [rows, columns], { transB: 1 });
  return f.transpose(f.reshape(taps, [maps, kernelRows, channels, kernelColumns]), [0, 2, 1, 3]);
}
