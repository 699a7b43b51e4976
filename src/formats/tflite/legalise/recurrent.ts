import type { ValueId } from "../../../ir/index.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { toFloat32 } from "../../../tensor/index.ts";
import { type Composer, composition } from "./compose.ts";
import { recurrentCell, type State } from "./recurrent-cell.ts";
import { directionOf, vector } from "./recurrent-direction.ts";

/**
 * Steps (of all directions) that a recurrent operator is unrolled into at most. A step is about ten small TFLite
 * operators; above this the file would have tens of thousands.
 */
const maxSteps = 1024;

/**
 * LSTM, GRU and RNN as the operators of each time step: TFLite's own recurrent operators keep their state in variables,
 * which an ONNX graph (state in, state out) does not have and LiteRT for the web refuses. All inputs of a direction are
 * projected at once; the steps then are exact and in order.
 */
const unroll = composition("unroll-recurrent", ["LSTM", "GRU", "RNN"], (c) => {
  const { direction, layout } = c.attrs as { direction: string; layout: number };
  const x = layout === 0 ? c.in(0) : c.op("Transpose", [c.in(0)], { perm: [1, 0, 2] });
  const [steps, batch, size] = c.shape(x) as [number, number, number];
  const count = direction === "bidirectional" ? 2 : 1;
  if (steps * count > maxSteps)
    c.refuse(
      `${c.node.op} over ${steps} steps is too long to unroll for TFLite, which takes at most ${maxSteps / count}`,
      "Export the model for a shorter sequence, or with the state as input and output.",
    );
  checkLengths(c, steps);
  const rows = c.reshape(x, [steps * batch, size]);
  const all: ValueId[] = [];
  const last: State[] = [];
  for (let d = 0; d < count; d++) {
    const reverse = direction === "reverse" || d === 1;
    const run = runDirection(c, rows, d, { steps, batch, reverse, layout });
    all.push(run.sequence);
    last.push(run.state);
  }
  return outputs(c, all, last, layout);
});

interface Run {
  readonly steps: number;
  readonly batch: number;
  readonly reverse: boolean;
  readonly layout: number;
}

function runDirection(c: Composer, rows: ValueId, d: number, run: Run): { sequence: ValueId; state: State } {
  const { steps, batch } = run;
  const parameters = directionOf(c, d);
  const cell = recurrentCell(c, parameters);
  const projected = c.op("Gemm", [rows, c.tensor("w", parameters.weight), vector(c, "wb", cell.bias)], { transB: 1 });
  const parts =
    steps === 1
      ? [projected]
      : c.ops("Split", [projected, c.ints(new Array<number>(steps).fill(batch))], { axis: 0 }, steps);
  let state: State = {
    hidden: initial(c, 5, d, run),
    cell: c.node.op === "LSTM" ? initial(c, 6, d, run) : null,
  };
  const order = Array.from({ length: steps }, (_, t) => (run.reverse ? steps - 1 - t : t));
  const hidden = new Array<ValueId>(steps);
  for (const t of order) {
    state = cell.step(parts[t]!, state);
    hidden[t] = state.hidden!;
  }
  const size = parameters.recurrence.shape[1]!;
  const joined = steps === 1 ? hidden[0]! : c.op("Concat", hidden, { axis: 0 });
  return { sequence: c.reshape(joined, [steps, 1, batch, size]), state };
}

function outputs(c: Composer, all: readonly ValueId[], last: readonly State[], layout: number): (ValueId | null)[] {
  const used = c.node.outputs.map((id) => c.view.users(id).length > 0 || c.view.isOutput(id));
  const together = (parts: readonly ValueId[], axis: number) =>
    parts.length === 1 ? parts[0]! : c.op("Concat", parts, { axis });
  const states = (pick: (state: State) => ValueId) => {
    const rows = last.map((state) => {
      const [batch, hidden] = c.shape(pick(state)) as [number, number];
      return c.reshape(pick(state), layout === 0 ? [1, batch, hidden] : [batch, 1, hidden]);
    });
    return together(rows, layout === 0 ? 0 : 1);
  };
  const result: (ValueId | null)[] = c.node.outputs.map(() => null);
  if (used[0]) {
    const y = together(all, 1);
    result[0] = layout === 0 ? y : c.op("Transpose", [y], { perm: [2, 0, 1, 3] });
  }
  if (used[1]) result[1] = states((state) => state.hidden!);
  if (used[2]) result[2] = states((state) => state.cell!);
  return result;
}

/** The state before the first step as [batch, hidden]; null for zeros, whose products need not be computed. */
function initial(c: Composer, input: number, d: number, run: Run): ValueId | null {
  if (!c.has(input)) return null;
  const data = c.constant(input);
  if (data !== null && toFloat32(data).every((value) => value === 0)) return null;
  const shape = c.shape(c.in(input));
  const hidden = shape[2]!;
  const axis = run.layout === 0 ? 0 : 1;
  const own =
    shape[axis] === 1 ? c.in(input) : c.op("Slice", [c.in(input), c.ints([d]), c.ints([d + 1]), c.ints([axis])]);
  return c.reshape(own, [run.batch, hidden]);
}

function checkLengths(c: Composer, steps: number): void {
  if (!c.has(4)) return;
  const lengths = c.constant(4);
  if (lengths === null || Array.from(lengths.data, Number).some((length) => length !== steps))
    c.refuse(
      `${c.node.op} with sequence lengths of its own has no TFLite form`,
      `Export the model for sequences of ${steps} steps.`,
    );
}

/** Recurrent operators, unrolled. */
export const recurrentRules: readonly Rule[] = [unroll];
