import { type Attributes, type Dim, productOf, type Shape } from "../ir/index.ts";

/** How an operator's shape operand can be written without the symbol in it: the numbers, and attributes that change with them. */
export interface Spelling {
  /** Position of the operand. */
  readonly operand: number;
  readonly values: readonly number[];
  readonly attrs?: Attributes;
}

/** "To the end", as exporters write it in Slice (ONNX Slice: values beyond the size are clamped). */
const toTheEnd = Number.MAX_SAFE_INTEGER;

/** Reshape: 0 copies the dimension of the same position, one -1 takes what is left. */
function reshape(input: Shape, wanted: readonly Dim[], attrs: Attributes): Spelling | null {
  if (attrs.allowzero === 1) return null;
  const dims = wanted.map((dim, i) => (typeof dim === "string" && input[i] === dim ? 0 : dim));
  const symbol = dims.findIndex((dim) => typeof dim === "string");
  if (symbol < 0) return { operand: 1, values: dims as number[] };
  if (dims.filter((dim) => typeof dim === "string").length > 1) return null;
  const free = dims.indexOf(-1);
  if (free >= 0) {
    // Both a symbol and a -1: the -1 is a number, which the element counts tell.
    const total = productOf(input);
    const known = productOf(wanted.filter((dim, i) => dim !== -1 && dims[i] !== 0));
    const copied = productOf(wanted.filter((_, i) => dims[i] === 0));
    const rest = total.factor / (known.factor * copied.factor);
    if (!Number.isInteger(rest) || total.symbols.length !== known.symbols.length + copied.symbols.length) return null;
    dims[free] = rest;
  }
  dims[symbol] = -1;
  return { operand: 1, values: dims as number[] };
}

/** Expand: a size of 1 leaves the input's dimension as it is. */
function expand(input: Shape, wanted: readonly Dim[]): Spelling | null {
  const lead = wanted.length - input.length;
  const values = wanted.map((dim, i) => (typeof dim === "string" && input[i - lead] === dim ? 1 : dim));
  return values.some((dim) => typeof dim === "string") ? null : { operand: 1, values: values as number[] };
}

/** Resize to sizes: axes that keep their size need not be named (attribute axes, opset 18). */
function resize(input: Shape, wanted: readonly Dim[], attrs: Attributes): Spelling | null {
  if (Array.isArray(attrs.axes) && attrs.axes.length > 0) return null;
  if (wanted.length !== input.length) return null;
  const axes = wanted.flatMap((dim, i) => (typeof dim === "string" && dim === input[i] ? [] : [i]));
  const values = axes.map((axis) => wanted[axis]!);
  if (values.some((dim) => typeof dim === "string")) return null;
  return { operand: 3, values: values as number[], attrs: { ...attrs, axes } };
}

/** Slice: an end that is the size of its axis is "to the end". */
function sliceEnds(wanted: readonly Dim[]): Spelling {
  return { operand: 2, values: wanted.map((dim) => (typeof dim === "string" ? toTheEnd : dim)) };
}

/** Operands that may hold the batch, by operator. */
export const SHAPE_OPERANDS: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, Resize: 3, Slice: 2 };

/** The spelling of a shape operand without its symbols, or null when there is none. */
export function spellShape(op: string, input: Shape, wanted: readonly Dim[], attrs: Attributes): Spelling | null {
  if (op === "Reshape") return reshape(input, wanted, attrs);
  if (op === "Expand") return expand(input, wanted);
  if (op === "Resize") return resize(input, wanted, attrs);
  // Only a graph's batch is symbolic: an end that is a symbol cuts an axis of just that size.
  if (op === "Slice")
    return input.some((dim) => wanted.includes(dim) && typeof dim === "string") ? sliceEnds(wanted) : null;
  return null;
}
