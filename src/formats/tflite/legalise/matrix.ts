import type { Rule } from "../../../rewrite/index.ts";
import { sizeOf, toInts } from "../../../tensor/index.ts";
import { composition } from "./compose.ts";
import { eachPosition } from "./indices.ts";

/** The triangle of a matrix as a choice by a constant mask. */
const trilu = composition("trilu-as-choice", "Trilu", (c) => {
  const x = c.in(0);
  const [rows, columns] = c.shape(x).slice(-2) as [number, number];
  const shift = c.has(1) ? c.constant(1) : null;
  if (c.has(1) && shift === null)
    return c.refuse("Trilu with a computed diagonal has no TFLite form", "Make the diagonal a constant.");
  const k = shift === null ? 0 : toInts(shift)[0]!;
  const upper = c.attrs.upper === 1;
  const shape = [rows, columns];
  const mask = new Uint8Array(sizeOf(shape));
  eachPosition(shape, (at, position) => {
    const distance = at[1]! - at[0]!;
    mask[position] = Number(upper ? distance >= k : distance <= k);
  });
  return c.op("Where", [c.tensor("mask", { dtype: "bool", shape, data: mask }), x, c.number(0, c.dtype(x))]);
});

export const matrixRules: readonly Rule[] = [trilu];
