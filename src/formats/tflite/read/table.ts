import { ACTIVATIONS } from "./activation.ts";
import { CALLS, REFUSED } from "./calls.ts";
import { CONVOLUTIONS } from "./conv.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { GATHERS } from "./gather.ts";
import { LSTMS } from "./lstm.ts";
import { PRODUCTS } from "./matmul.ts";
import { NORMALIZATIONS } from "./normalize.ts";
import { PADS } from "./pad.ts";
import { POOLS } from "./pool.ts";
import { QUANTIZATIONS } from "./quantize.ts";
import { REDUCTIONS } from "./reduce.ts";
import { RESIZES } from "./resize.ts";
import { SHAPES } from "./shape.ts";
import { SLICES } from "./slice.ts";
import type { OperatorReader, OperatorReaders } from "./step.ts";
import { RECURRENCES } from "./svdf.ts";
import { CUSTOM, TRANSPOSED_CONVOLUTIONS } from "./transpose-conv.ts";
import { VARIABLES } from "./variables.ts";

const readers: OperatorReaders = {
  ...ACTIVATIONS,
  ...CALLS,
  ...CONVOLUTIONS,
  ...ELEMENTWISE,
  ...GATHERS,
  ...LSTMS,
  ...NORMALIZATIONS,
  ...PADS,
  ...POOLS,
  ...PRODUCTS,
  ...QUANTIZATIONS,
  ...RECURRENCES,
  ...REDUCTIONS,
  ...RESIZES,
  ...SHAPES,
  ...SLICES,
  ...TRANSPOSED_CONVOLUTIONS,
  ...VARIABLES,
};

const builtin: ReadonlyMap<string, OperatorReader> = new Map(Object.entries({ ...REFUSED, ...readers }));
const custom: ReadonlyMap<string, OperatorReader> = new Map(Object.entries(CUSTOM));

/** The reader of an operator (custom operators by their code), or null when there is none. */
export function readerOf(opcode: string, customCode: string | undefined): OperatorReader | null {
  return (opcode === "CUSTOM" ? custom.get(customCode ?? "") : builtin.get(opcode)) ?? null;
}

/** TFLite operators that are read, each with the ONNX operators that it becomes (besides Transpose, Q/DQ and fused activations); custom ones by their code. */
export const TFLITE_READ: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries({ ...readers, CALL_ONCE: { gives: [] }, ...CUSTOM })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { gives }]) => [name, gives]),
);
