import type { ValueId } from "../../../ir/index.ts";
import { type Composer, num } from "./compose.ts";
import { activate, type Direction, vector } from "./recurrent-direction.ts";

/** What a step hands to the next, each [batch, hidden]; null stands for zeros. */
export interface State {
  readonly hidden: ValueId | null;
  /** LSTM only. */
  readonly cell: ValueId | null;
}

/** One direction's step: from the projected input [batch, gates hidden] (with `bias` added) and the state to the next state. */
export interface RecurrentCell {
  readonly bias: Float32Array;
  readonly step: (projected: ValueId, state: State) => State;
}

/** The cell of the node's operator, as ONNX defines LSTM-14, GRU-14 and RNN-14. */
export function recurrentCell(c: Composer, direction: Direction): RecurrentCell {
  if (c.node.op === "LSTM") return lstm(c, direction);
  return c.node.op === "GRU" ? gru(c, direction) : rnn(c, direction);
}

function added(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + b[i]!);
}

function sum(c: Composer, a: ValueId, b: ValueId | null): ValueId {
  return b === null ? a : c.op("Add", [a, b]);
}

function clipped(c: Composer, x: ValueId): ValueId {
  const bound = c.attrs.clip as number;
  return bound > 0 ? c.op("Clip", [x, num(-bound), num(bound)]) : x;
}

/** state times a part of the recurrence weight, rows [from, to) of it. */
function recurrent(
  c: Composer,
  direction: Direction,
  from: number,
  to: number,
  bias: Float32Array | null,
): (state: ValueId | null) => ValueId | null {
  const [, hidden] = direction.recurrence.shape as [number, number];
  const data = direction.recurrence.data.subarray(from * hidden, to * hidden);
  const weight = c.tensor("r", { dtype: "float32", shape: [to - from, hidden], data });
  const offset = bias === null ? null : vector(c, "rb", bias);
  return (state) => {
    if (state === null) return offset;
    return c.op("Gemm", offset === null ? [state, weight] : [state, weight, offset], { transB: 1 });
  };
}

function lstm(c: Composer, direction: Direction): RecurrentCell {
  const hidden = direction.recurrence.shape[1]!;
  const [gate, candidate, output] = direction.activations;
  const product = recurrent(c, direction, 0, 4 * hidden, null);
  const peephole = (at: number) => {
    if (direction.peepholes === null) return null;
    const weight = vector(c, "p", direction.peepholes.subarray(at * hidden, (at + 1) * hidden));
    return (cell: ValueId | null) => (cell === null ? null : c.op("Mul", [cell, weight]));
  };
  // Order of the blocks: gates i o f c, peepholes i o f.
  const peep = [peephole(0), peephole(1), peephole(2)];
  const split = c.ints([hidden, hidden, hidden, hidden]);
  const coupled = c.attrs.input_forget === 1;
  return {
    bias: added(direction.inputBias, direction.recurrentBias),
    step: (projected, state) => {
      const all = sum(c, projected, product(state.hidden));
      const [i, o, f, g] = c.ops("Split", [all, split], { axis: 1 }, 4) as [ValueId, ValueId, ValueId, ValueId];
      const enter = activate(c, gate!, clipped(c, sum(c, i, peep[0]?.(state.cell) ?? null)));
      const fresh = c.op("Mul", [enter, activate(c, candidate!, clipped(c, g))]);
      const forget = () =>
        coupled
          ? c.op("Sub", [c.number(1), enter])
          : activate(c, gate!, clipped(c, sum(c, f, peep[2]?.(state.cell) ?? null)));
      const cell = state.cell === null ? fresh : c.op("Add", [c.op("Mul", [forget(), state.cell]), fresh]);
      const leave = activate(c, gate!, clipped(c, sum(c, o, peep[1]?.(cell) ?? null)));
      return { cell, hidden: c.op("Mul", [leave, activate(c, output!, cell)]) };
    },
  };
}

function gru(c: Composer, direction: Direction): RecurrentCell {
  const hidden = direction.recurrence.shape[1]!;
  const [gate, candidate] = direction.activations;
  const resetsProduct = c.attrs.linear_before_reset !== 0;
  const { inputBias, recurrentBias } = direction;
  const gates = recurrent(c, direction, 0, 2 * hidden, null);
  const own = recurrentBias.subarray(2 * hidden);
  const last = recurrent(c, direction, 2 * hidden, 3 * hidden, resetsProduct ? own : null);
  // The candidate's recurrent bias belongs inside the reset when that comes after the product.
  const bias = added(inputBias, recurrentBias);
  if (resetsProduct) bias.set(inputBias.subarray(2 * hidden), 2 * hidden);
  const split = c.ints([2 * hidden, hidden]);
  const halves = c.ints([hidden, hidden]);
  return {
    bias,
    step: (projected, state) => {
      const [zr, h] = c.ops("Split", [projected, split], { axis: 1 }, 2) as [ValueId, ValueId];
      const both = activate(c, gate!, clipped(c, sum(c, zr, gates(state.hidden))));
      const [z, r] = c.ops("Split", [both, halves], { axis: 1 }, 2) as [ValueId, ValueId];
      const reset = resetsProduct
        ? c.op("Mul", [r, last(state.hidden)])
        : last(state.hidden === null ? null : c.op("Mul", [r, state.hidden]));
      const fresh = activate(c, candidate!, clipped(c, sum(c, h, reset)));
      const taken = c.op("Mul", [c.op("Sub", [c.number(1), z]), fresh]);
      if (state.hidden === null) return { hidden: taken, cell: null };
      return { hidden: c.op("Add", [taken, c.op("Mul", [z, state.hidden])]), cell: null };
    },
  };
}

function rnn(c: Composer, direction: Direction): RecurrentCell {
  const product = recurrent(c, direction, 0, direction.recurrence.shape[0]!, null);
  return {
    bias: added(direction.inputBias, direction.recurrentBias),
    step: (projected, state) => ({
      hidden: activate(c, direction.activations[0]!, clipped(c, sum(c, projected, product(state.hidden)))),
      cell: null,
    }),
  };
}
