import type { Blocks, KernelShape, Stripes } from "./mask-pattern.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

/** Patterns whose weights go in units: all of a unit or none of it. */
export type UnitPattern = KernelShape | Stripes | Blocks;

/** The units of a pattern in a matrix, told row by row. */
export interface Units {
  readonly count: number;
  /** The unit of each element of the matrix. */
  readonly unitOf: Int32Array;
  /** Elements of each unit. */
  readonly sizes: Int32Array;
}

/** Kernel positions of the layer, kernel positions of each filter, or blocks. Blocks never reach over a group or a kernel position. */
export function unitsOf(matrix: WeightMatrix, pattern: UnitPattern): Units {
  const { rows, groups, channels, positions, columns } = matrix;
  const unitOf = new Int32Array(rows * columns);
  const perGroup = rows / groups;
  const high = pattern.kind === "block" ? Math.ceil(perGroup / pattern.rows) : 0;
  const wide = pattern.kind === "block" ? Math.ceil(channels / pattern.columns) : 0;
  const unit = (row: number, column: number): number => {
    const position = Math.floor(column / channels);
    if (pattern.kind === "kernel") return position;
    if (pattern.kind === "stripe") return row * positions + position;
    const down = Math.floor(row / perGroup) * high + Math.floor((row % perGroup) / pattern.rows);
    return (down * positions + position) * wide + Math.floor((column % channels) / pattern.columns);
  };
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) unitOf[at] = unit(row, column);
  const count = unitOf[unitOf.length - 1]! + 1;
  const sizes = new Int32Array(count);
  for (const id of unitOf) sizes[id]!++;
  return { count, unitOf, sizes };
}
