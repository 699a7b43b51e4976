import { sizeOf, type Tensor, toNumbers } from "../../tensor/index.ts";

/**
 * A weight as the matrix that its operator multiplies by: rows are outputs, columns what one output sums over, kernel position by kernel position and
 * within each the input channels (NVIDIA's KRSC; im2col with the channels last). With `groups` > 1 the rows of group g see the channels of group g only.
 */
export interface WeightMatrix {
  /** Axis of the tensor along which the channels lie. */
  readonly axis: number;
  readonly rows: number;
  readonly groups: number;
  /** Input channels of one group; K of a matrix product. */
  readonly channels: number;
  /** Sizes of the window; [] for a matrix product. */
  readonly kernel: readonly number[];
  readonly positions: number;
  /** positions x channels. */
  readonly columns: number;
  /** Element of the tensor: row x rowStride + columnOffsets[column]. */
  readonly rowStride: number;
  readonly columnOffsets: Int32Array;
}

/** A convolution's weight [outputs, channels a group, ...window]. */
export function convolutionMatrix(shape: readonly number[], groups: number): WeightMatrix {
  const [rows, channels, ...kernel] = shape as [number, number, ...number[]];
  const positions = sizeOf(kernel);
  const columns = positions * channels;
  const columnOffsets = Int32Array.from({ length: columns }, (_, column) => {
    const position = Math.floor(column / channels);
    return (column % channels) * positions + position;
  });
  return { axis: 1, rows, groups, channels, kernel, positions, columns, rowStride: columns, columnOffsets };
}

/** A matrix of two axes; `axis` is summed over. */
export function productMatrix(shape: readonly number[], axis: 0 | 1): WeightMatrix {
  const [rows, channels] = [shape[1 - axis]!, shape[axis]!];
  const [rowStride, step] = axis === 1 ? [channels, 1] : [1, rows];
  const columnOffsets = Int32Array.from({ length: channels }, (_, column) => column * step);
  return { axis, rows, groups: 1, channels, kernel: [], positions: 1, columns: channels, rowStride, columnOffsets };
}

/** The elements of a weight, row by row. */
export function matrixValues(matrix: WeightMatrix, weight: Tensor): Float64Array {
  const values = toNumbers(weight);
  const { rows, columns, rowStride, columnOffsets } = matrix;
  const out = new Float64Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) out[at] = values[row * rowStride + columnOffsets[column]!]!;
  return out;
}

/** Numbers that stand row by row, in the order of the weight's tensor. */
export function inTensorOrder(matrix: WeightMatrix, values: ArrayLike<number>): Float64Array {
  const { rows, columns, rowStride, columnOffsets } = matrix;
  const out = new Float64Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) out[row * rowStride + columnOffsets[column]!] = values[at]!;
  return out;
}

/** Whether two weights are read along the same axes. */
export function sameMatrix(a: WeightMatrix, b: WeightMatrix): boolean {
  return (
    a.rows === b.rows &&
    a.groups === b.groups &&
    a.channels === b.channels &&
    a.positions === b.positions &&
    a.rowStride === b.rowStride
  );
}

/** Calls `visit` for each run of at most `m` columns that follow one another at one kernel position: first column and length. */
export function forEachRun(matrix: WeightMatrix, m: number, visit: (first: number, length: number) => void): void {
  for (let position = 0; position < matrix.positions; position++)
    for (let channel = 0; channel < matrix.channels; channel += m)
      visit(position * matrix.channels + channel, Math.min(m, matrix.channels - channel));
}
