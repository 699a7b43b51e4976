import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import { type Attributes, type Dim, type Shape, staticDim, type ValueId } from "../../../ir/index.ts";
import {
  DTYPES,
  type DType,
  fromNumbers,
  int64s,
  permute,
  scalar,
  type Tensor,
  toInts,
} from "../../../tensor/index.ts";

/** Where nodes are added, and the name of the operator or layer that they come from. */
export interface Scope {
  readonly builder: FoldingBuilder;
  readonly name: string;
}

/** Adds a node with one output, named after the scope. */
export function op(s: Scope, type: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}): ValueId {
  return s.builder.node(type, inputs, attrs, { name: s.name });
}

/** Adds a node with several outputs. */
export function ops(
  s: Scope,
  type: string,
  inputs: readonly (ValueId | null)[],
  attrs: Attributes,
  outputs: number,
): ValueId[] {
  return s.builder.nodes(type, inputs, attrs, { name: s.name, outputs });
}

export function shapeOf(s: Scope, id: ValueId): Shape {
  return s.builder.value(id).type.shape;
}

export function rankOf(s: Scope, id: ValueId): number {
  return shapeOf(s, id).length;
}

export function dtypeOf(s: Scope, id: ValueId): DType {
  return s.builder.value(id).type.dtype;
}

/** The size of an axis, which must be a number: a symbolic batch is refused. */
export function sizeAt(s: Scope, id: ValueId, axis: number): number {
  return staticDim(shapeOf(s, id)[axis], `Size of axis ${axis} of "${s.builder.value(id).name}"`);
}

export function constant(s: Scope, suffix: string, data: Tensor): ValueId {
  return s.builder.constant(`${s.name}/${suffix}`, data);
}

/** A one-dimensional int64 constant: axes, shapes, pads. */
export function ints(s: Scope, suffix: string, values: readonly number[]): ValueId {
  return constant(s, suffix, int64s(values));
}

/** A scalar constant of the dtype of another value. */
export function scalarLike(s: Scope, like: ValueId, value: number): ValueId {
  return constant(s, "scalar", scalar(dtypeOf(s, like), value));
}

function wholeNumbers(data: Tensor, what: string): number[] {
  const values = toInts(data);
  const wrong = values.find((value) => !Number.isSafeInteger(value));
  if (wrong !== undefined) throw new EspalierError("input", `${what} must be a whole number, got ${wrong}`);
  return values;
}

/** The elements of a constant integer value. Throws EspalierError "unsupported" when it is computed from data. */
export function intsOf(s: Scope, id: ValueId, what: string): number[] {
  const { data } = s.builder.value(id);
  if (data !== undefined) return wholeNumbers(data, what);
  throw new EspalierError("unsupported", `${what} must be a constant, it is computed`, {
    hint: "Shapes and axes that depend on data are not supported; export the model with fixed shapes.",
  });
}

/** The sizes that an integer value holds: numbers, or the symbol of the batch. */
export function dimsOf(s: Scope, id: ValueId, what: string): readonly Dim[] {
  return s.builder.sizes(id) ?? intsOf(s, id, what);
}

/** Converts between types; the same type adds nothing. */
export function cast(s: Scope, id: ValueId, to: DType): ValueId {
  return dtypeOf(s, id) === to ? id : op(s, "Cast", [id], { to: DTYPES[to].onnx });
}

/** The value as int64: constants are converted, sizes keep their symbols. */
export function asInt64(s: Scope, id: ValueId): ValueId {
  const { data, type } = s.builder.value(id);
  if (type.dtype === "int64") return id;
  return data === undefined
    ? cast(s, id, "int64")
    : constant(s, "int64", fromNumbers("int64", data.shape, wholeNumbers(data, "A size, axis or index")));
}

export function reshape(s: Scope, id: ValueId, shape: readonly number[]): ValueId {
  const now = shapeOf(s, id);
  if (now.length === shape.length && now.every((dim, i) => dim === shape[i])) return id;
  return op(s, "Reshape", [id, ints(s, "shape", shape)]);
}

export function unsqueeze(s: Scope, id: ValueId, axes: readonly number[]): ValueId {
  return axes.length === 0 ? id : op(s, "Unsqueeze", [id, ints(s, "axes", axes)]);
}

export function squeeze(s: Scope, id: ValueId, axes: readonly number[]): ValueId {
  return axes.length === 0 ? id : op(s, "Squeeze", [id, ints(s, "axes", axes)]);
}

/** Permutes the axes; weights are permuted here and now, whatever their size. */
export function transpose(s: Scope, id: ValueId, perm: readonly number[]): ValueId {
  if (perm.every((axis, i) => axis === i)) return id;
  const { data } = s.builder.value(id);
  if (data !== undefined && data.shape.length === perm.length) return constant(s, "transposed", permute(data, perm));
  return op(s, "Transpose", [id], { perm });
}

/** [N, ...spatial, C] to [N, C, ...spatial]. */
export function channelsFirst(s: Scope, id: ValueId): ValueId {
  const rank = rankOf(s, id);
  return transpose(s, id, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]);
}

/** [N, C, ...spatial] to [N, ...spatial, C]. */
export function channelsLast(s: Scope, id: ValueId): ValueId {
  const rank = rankOf(s, id);
  return transpose(s, id, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]);
}

/** A Reduce* node over the given axes. */
export function reduce(s: Scope, type: string, id: ValueId, axes: readonly number[], keep: boolean): ValueId {
  return op(s, type, [id, ints(s, "axes", axes)], { keepdims: keep ? 1 : 0 });
}

const widening: readonly DType[] = ["bool", "int32", "int64", "float32"];

/** The values in the widest of their types (bool, int32, int64, float32): what TF.js calls upcasting. */
export function promoted(s: Scope, ids: readonly ValueId[]): ValueId[] {
  const widest = widening[Math.max(...ids.map((id) => widening.indexOf(dtypeOf(s, id))))];
  if (widest === undefined) return [...ids];
  return ids.map((id) => (widest === "int64" ? asInt64(s, id) : cast(s, id, widest)));
}
