import { normalAxis, type ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { int64s, sizeOf, tensor, toInts } from "../../../tensor/index.ts";
import { type Composer, composition } from "./compose.ts";
import { counted, eachPosition, elementPositions, strides } from "./indices.ts";

/** Elements of a tensor at flat positions, as one GATHER of the flattened tensor. */
function gatherFlat(c: Composer, x: ValueId, positions: ValueId, shape: readonly number[]): ValueId {
  const flat = c.reshape(x, [sizeOf(c.shape(x))]);
  return c.reshape(c.op("Gather", [flat, c.reshape(positions, [sizeOf(shape)])], { axis: 0 }), shape);
}

/** A computed index with negative ones counted from the start. */
function wrapped(c: Composer, indices: ValueId, size: number): ValueId {
  const zero = c.number(0, c.dtype(indices));
  const moved = c.op("Add", [indices, c.number(size, c.dtype(indices))]);
  return c.op("Where", [c.op("Less", [indices, zero]), moved, indices]);
}

/** Flat positions that GatherElements and ScatterElements mean: base of the other axes + index along the axis. */
function flatElements(c: Composer, data: readonly number[], indices: ValueId, axis: number): ValueId {
  const shape = c.shape(indices);
  const step = strides(data)[axis]!;
  const base = elementPositions(data, shape, axis);
  const known = c.view.constant(indices);
  if (known !== null) {
    const at = counted(known, data[axis]!);
    return c.tensor("positions", int64s(base.map((b, i) => b + at[i]! * step)));
  }
  const flat = c.reshape(wrapped(c, indices, data[axis]!), [sizeOf(shape)]);
  const wide = c.dtype(flat) === "int64" ? flat : c.op("Cast", [flat], { to: 7 });
  const scaled = step === 1 ? wide : c.op("Mul", [wide, c.number(step, "int64")]);
  return c.op("Add", [scaled, c.tensor("base", int64s(base))]);
}

const elements = composition("gather-elements-flat", "GatherElements", (c) => {
  const data = c.shape(c.in(0));
  const axis = normalAxis(c.attrs.axis as number, data.length);
  return gatherFlat(c, c.in(0), flatElements(c, data, c.in(1), axis), c.shape(c.in(1)));
});

/** Rows (slices of the named axes) that constant indices of GatherND mean. */
export function constantRows(
  data: readonly number[],
  indices: readonly number[],
  values: readonly number[],
  batch: number,
): number[] {
  const depth = indices.at(-1)!;
  const named = data.slice(0, batch + depth);
  const steps = strides(named);
  const rows: number[] = [];
  eachPosition(indices.slice(0, -1), (at, position) => {
    let row = 0;
    for (let k = 0; k < batch; k++) row += at[k]! * steps[k]!;
    for (let k = 0; k < depth; k++) {
      const index = values[position * depth + k]!;
      row += (index < 0 ? index + named[batch + k]! : index) * steps[batch + k]!;
    }
    rows.push(row);
  });
  return rows;
}

/** Row numbers of computed indices: their product with the strides of the axes that they name, plus those of the batch. */
function computedRows(c: Composer, data: readonly number[], batch: number): ValueId {
  const indices = c.in(1);
  const shape = c.shape(indices);
  const depth = shape.at(-1)!;
  const named = data.slice(0, batch + depth);
  const steps = strides(named);
  const sizes = c.tensor("sizes", int64s(named.slice(batch)));
  const below = c.op("Less", [indices, c.number(0, c.dtype(indices))]);
  const counts = c.op("Where", [below, c.op("Add", [indices, sizes]), indices]);
  const weighted = c.op("Mul", [counts, c.tensor("strides", int64s(steps.slice(batch)))]);
  let rows = c.op("ReduceSum", [weighted, c.ints([shape.length - 1])], { keepdims: 0 });
  if (batch > 0) {
    const outer = shape.slice(0, -1);
    const base = new Array<number>(sizeOf(outer));
    eachPosition(outer, (at, position) => {
      base[position] = steps.slice(0, batch).reduce((sum, step, k) => sum + at[k]! * step, 0);
    });
    rows = c.op("Add", [rows, c.tensor("base", tensor("int64", outer, int64s(base).data))]);
  }
  return rows;
}

const nd = composition("gather-nd-as-rows", "GatherND", (c) => {
  const data = c.shape(c.in(0));
  const batch = c.attrs.batch_dims as number;
  const indices = c.shape(c.in(1));
  const depth = indices.at(-1)!;
  const inner = data.slice(batch + depth);
  const known = c.constant(1);
  const rows =
    known === null
      ? computedRows(c, data, batch)
      : c.tensor("rows", int64s(constantRows(data, indices, toInts(known), batch)));
  const table = c.reshape(c.in(0), [sizeOf(data.slice(0, batch + depth)), ...inner]);
  const count = sizeOf(indices.slice(0, -1));
  const taken = c.op("Gather", [table, c.reshape(rows, [count])], { axis: 0 });
  return c.reshape(taken, [...indices.slice(0, -1), ...inner]);
});

const compress = composition("compress-as-gather", "Compress", (c) => {
  const condition = c.constant(1);
  if (condition === null)
    return c.refuse("Compress with a computed condition has no TFLite form", "Its output has no fixed size.");
  const shape = c.shape(c.in(0));
  const stated = c.attrs.axis as number;
  const whole = stated < -shape.length;
  const axis = whole ? 0 : normalAxis(stated, shape.length);
  const x = whole ? c.reshape(c.in(0), [sizeOf(shape)]) : c.in(0);
  const size = c.shape(x)[axis]!;
  const kept = toInts(condition).flatMap((keep, i) => (keep !== 0 && i < size ? [i] : []));
  return c.op("Gather", [x, c.ints(kept)], { axis });
});

/** Operators that pick elements, as GATHER along one axis of a reshaped tensor: any element type, quantised or not. */
export const gatherRules: readonly Rule[] = [elements, nd, compress];
