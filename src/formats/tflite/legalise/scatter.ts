import { normalAxis, type ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { sizeOf, toInts } from "../../../tensor/index.ts";
import { type Composer, composition } from "./compose.ts";
import { constantRows } from "./gather.ts";
import { counted, elementPositions, strides } from "./indices.ts";

/**
 * Constant positions: the rows of data and updates are put behind one another, and a GATHER picks for each row its last
 * update or itself. Any element type, exact.
 */
function scatterRows(c: Composer, rows: readonly number[], count: number, inner: readonly number[]): ValueId {
  const source = Array.from({ length: count }, (_, i) => i);
  rows.forEach((row, i) => {
    source[row] = count + i;
  });
  const table = c.reshape(c.in(0), [count, ...inner]);
  const updates = c.reshape(c.in(2), [rows.length, ...inner]);
  const both = c.op("Concat", [table, updates], { axis: 0 });
  const taken = c.op("Gather", [both, c.ints(source)], { axis: 0 });
  return c.reshape(taken, c.shape(c.in(0)));
}

/** data + updates at constant rows: each round adds updates to distinct rows. */
function addRows(c: Composer, rows: readonly number[], count: number, inner: readonly number[]): ValueId {
  const zero = rows.length;
  const rounds: number[][] = [];
  rows.forEach((row, i) => {
    let round = rounds.find((sources) => sources[row] === zero);
    if (round === undefined) {
      round = new Array<number>(count).fill(zero);
      rounds.push(round);
    }
    round[row] = i;
  });
  const type = c.dtype(c.in(2));
  const updates = c.reshape(c.in(2), [rows.length, ...inner]);
  const none = c.op("Expand", [c.number(0, type), c.ints([1, ...inner])]);
  const padded = c.op("Concat", [updates, none], { axis: 0 });
  let sum = c.reshape(c.in(0), [count, ...inner]);
  for (const round of rounds) sum = c.op("Add", [sum, c.op("Gather", [padded, c.ints(round)], { axis: 0 })]);
  return c.reshape(sum, c.shape(c.in(0)));
}

function scatterConstant(c: Composer, rows: readonly number[], count: number, inner: readonly number[]): ValueId {
  const reduction = c.attrs.reduction as string;
  if (reduction === "none") return scatterRows(c, rows, count, inner);
  if (reduction === "add") return addRows(c, rows, count, inner);
  return c.refuse(
    `${c.node.op} with reduction "${reduction}" has no TFLite form`,
    'Use the reductions "none" or "add".',
  );
}

const computedHint = "Export the model with constant indices (slices with fixed bounds).";

const nd = composition("scatter-nd-as-gather", "ScatterND", (c) => {
  const data = c.shape(c.in(0));
  const known = c.constant(1);
  if (known === null) return c.refuse("ScatterND with computed indices has no TFLite form here", computedHint);
  const depth = known.shape.at(-1)!;
  const rows = constantRows(data, known.shape, toInts(known), 0);
  return scatterConstant(c, rows, sizeOf(data.slice(0, depth)), data.slice(depth));
});

const elements = composition("scatter-elements-as-gather", "ScatterElements", (c) => {
  const data = c.shape(c.in(0));
  const axis = normalAxis(c.attrs.axis as number, data.length);
  const known = c.constant(1);
  if (known === null) return c.refuse("ScatterElements with computed indices has no TFLite form here", computedHint);
  const at = counted(known, data[axis]!);
  const step = strides(data)[axis]!;
  const rows = elementPositions(data, known.shape, axis).map((base, i) => base + at[i]! * step);
  return scatterConstant(c, rows, sizeOf(data), []);
});

/** Operators that put elements in, at constant places. */
export const scatterRules: readonly Rule[] = [nd, elements];
