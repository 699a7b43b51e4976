import { EspalierError } from "../diagnostics/index.ts";
import { type DimProduct, productOf, type Shape, shapeText, staticDim, type TensorType } from "../ir/index.ts";
import { float, floats, int, string, strings } from "./attributes.ts";
import type { CouplingContext } from "./coupling-rule.ts";
import { gru, rnn } from "./gradient-gru.ts";
import { lstm } from "./gradient-lstm.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

interface RecurrentAttributes {
  readonly direction: string;
  readonly hidden_size: number;
  readonly layout: number;
}

/** Sizes of a recurrent operator; `gates`: weight blocks of hidden size (LSTM 4: i o f c, GRU 3: z r h, RNN 1). */
interface RecurrentSizes {
  readonly sequence: Shape[number];
  readonly batch: Shape[number];
  readonly input: number;
  readonly hidden: number;
  readonly directions: number;
}

function recurrentSizes(c: OpContext<RecurrentAttributes>, gates: number): RecurrentSizes {
  const { direction, layout } = c.attrs;
  if (!["forward", "reverse", "bidirectional"].includes(direction))
    throw new EspalierError(
      "input",
      `${c.op} has direction "${direction}", ONNX knows forward, reverse, bidirectional`,
    );
  if (layout !== 0 && layout !== 1) throw new EspalierError("input", `${c.op} has layout ${layout}: it must be 0 or 1`);
  const x = c.ranked(0, 3);
  const [sequence, batch] = layout === 0 ? [x[0]!, x[1]!] : [x[1]!, x[0]!];
  const input = staticDim(x[2], `Input size of ${c.op}`);
  const directions = direction === "bidirectional" ? 2 : 1;
  const hidden = staticDim(c.ranked(2, 3)[2], `Hidden size of ${c.op}`);
  if (c.attrs.hidden_size !== 0 && c.attrs.hidden_size !== hidden)
    throw new EspalierError("input", `${c.op} says hidden_size ${c.attrs.hidden_size}, its weights have ${hidden}`);
  const expected: (readonly [number, Shape])[] = [
    [1, [directions, gates * hidden, input]],
    [2, [directions, gates * hidden, hidden]],
    [3, [directions, 2 * gates * hidden]],
    [4, [batch]],
    [5, layout === 0 ? [directions, batch, hidden] : [batch, directions, hidden]],
    [6, layout === 0 ? [directions, batch, hidden] : [batch, directions, hidden]],
    [7, [directions, 3 * hidden]],
  ];
  for (const [i, shape] of expected)
    if (c.has(i) && shapeText(c.shape(i)) !== shapeText(shape))
      throw new EspalierError(
        "input",
        `${c.op} needs input ${i} of shape ${shapeText(shape)}, got ${shapeText(c.shape(i))}`,
      );
  return { sequence, batch, input, hidden, directions };
}

const recurrentAttributes = {
  activation_alpha: floats(),
  activation_beta: floats(),
  activations: strings(),
  // No clipping when absent, which a bound of 0 stands for.
  clip: float(0),
  direction: string("forward"),
  hidden_size: int(0),
  layout: int(0),
};

/** The sequence of states Y, then `states` last states (Y_h, and Y_c of an LSTM). */
function recurrentTypes(c: OpContext<RecurrentAttributes>, gates: number, states: number): TensorType[] {
  const { sequence, batch, hidden, directions } = recurrentSizes(c, gates);
  const { dtype } = c.type(0);
  const first = c.attrs.layout === 0;
  const state = typed(dtype, first ? [directions, batch, hidden] : [batch, directions, hidden]);
  const all = typed(dtype, first ? [sequence, directions, batch, hidden] : [batch, sequence, directions, hidden]);
  return [all, ...Array.from({ length: states }, () => state)];
}

/**
 * Each step multiplies the input and the state of each direction by all gates: sequence * batch * directions * gates * hidden * (input + hidden) (the
 * equations of ONNX LSTM-14, GRU-14 and RNN-14).
 */
function recurrentMacs(c: OpContext<RecurrentAttributes>, gates: number): DimProduct {
  const { sequence, batch, input, hidden, directions } = recurrentSizes(c, gates);
  return productOf([sequence, batch, directions * gates * hidden * (input + hidden)]);
}

/** The stated hidden size follows a cut; where none was stated the weights say it. */
function coupleRecurrent(c: CouplingContext<RecurrentAttributes>, gates: number): void {
  c.recurrence(gates);
  if (c.facts.attrs.hidden_size !== 0) c.onCut((view) => ({ attrs: { hidden_size: Number(view.inputShape(2)[2]) } }));
}

/** Inputs x [sequence, batch, input], W, R, B, sequence_lens, initial_h, initial_c, P (peepholes); outputs Y, Y_h, Y_c (ONNX LSTM-14). */
export const LSTM = defineOp({
  attrs: { ...recurrentAttributes, input_forget: int(0) },
  inputs: [3, 8],
  kind: "matmul",
  infer: (c) => recurrentTypes(c, 4, 2),
  macs: (c) => recurrentMacs(c, 4),
  couple: (c) => coupleRecurrent(c, 4),
  gradient: lstm,
});

/** Inputs x [sequence, batch, input], W, R, B, sequence_lens, initial_h; outputs Y, Y_h (ONNX GRU-14). */
export const GRU = defineOp({
  attrs: { ...recurrentAttributes, linear_before_reset: int(0) },
  inputs: [3, 6],
  kind: "matmul",
  infer: (c) => recurrentTypes(c, 3, 1),
  macs: (c) => recurrentMacs(c, 3),
  couple: (c) => coupleRecurrent(c, 3),
  gradient: gru,
});

/** Inputs x [sequence, batch, input], W, R, B, sequence_lens, initial_h; outputs Y, Y_h (ONNX RNN-14). */
export const RNN = defineOp({
  attrs: recurrentAttributes,
  inputs: [3, 6],
  kind: "matmul",
  infer: (c) => recurrentTypes(c, 1, 1),
  macs: (c) => recurrentMacs(c, 1),
  couple: (c) => coupleRecurrent(c, 1),
  gradient: rnn,
});
