import { fromNumbers } from "../../../src/tensor/index.ts";
import type { GradientCase } from "./check-gradient.ts";

const [STEPS, BATCH, INPUT, HIDDEN] = [4, 2, 3, 2];
const lengths = fromNumbers("int32", [BATCH], [STEPS, STEPS]);

/** Inputs of a recurrent operator whose shapes are differentiated. */
function shapes(directions: number, gates: number): readonly (readonly number[])[] {
  return [
    [STEPS, BATCH, INPUT],
    [directions, gates * HIDDEN, INPUT],
    [directions, gates * HIDDEN, HIDDEN],
    [directions, 2 * gates * HIDDEN],
  ];
}

const state = (directions: number) => [directions, BATCH, HIDDEN];

function cases(op: string, gates: number, outputs: number): GradientCase[] {
  const one = { op, outputs };
  const states = Array.from({ length: outputs - 1 }, () => state(1));
  const attrs = { hidden_size: HIDDEN };
  return [
    { ...one, name: op, inputs: shapes(1, gates), attrs },
    { ...one, name: `${op} without bias`, inputs: shapes(1, gates).slice(0, 3), attrs },
    { ...one, name: `${op}, all states only`, inputs: shapes(1, gates), attrs, outputs: 1 },
    {
      ...one,
      name: `${op} in reverse, with initial states`,
      inputs: [...shapes(1, gates), lengths, ...states],
      attrs: { ...attrs, direction: "reverse" },
    },
    {
      ...one,
      name: `${op} in both directions, with initial states`,
      inputs: [...shapes(2, gates), null, ...states.map(() => state(2))],
      attrs: { ...attrs, direction: "bidirectional" },
    },
    { ...one, name: `${op} of one step`, inputs: [[1, BATCH, INPUT], ...shapes(1, gates).slice(1)], attrs },
  ];
}

/** Gradients of the recurrent operators: every direction, with and without bias and initial states. */
export const recurrentCases: readonly GradientCase[] = [
  ...cases("LSTM", 4, 3),
  ...cases("GRU", 3, 2),
  ...cases("RNN", 1, 2),
  {
    name: "LSTM whose forget gate is what the input gate leaves",
    op: "LSTM",
    inputs: shapes(1, 4),
    attrs: { hidden_size: HIDDEN, input_forget: 1 },
    outputs: 3,
  },
  {
    name: "LSTM with other activations in each direction",
    op: "LSTM",
    inputs: shapes(2, 4),
    attrs: {
      hidden_size: HIDDEN,
      direction: "bidirectional",
      activations: ["HardSigmoid", "Softsign", "Tanh", "HardSigmoid", "Tanh", "Softsign"],
      activation_alpha: [0.03, 0.04],
      activation_beta: [0.4, 0.55],
    },
    outputs: 3,
  },
  {
    name: "GRU, linear before reset",
    op: "GRU",
    inputs: shapes(1, 3),
    attrs: { hidden_size: HIDDEN, linear_before_reset: 1 },
    outputs: 2,
  },
  {
    name: "GRU, linear before reset, in both directions without bias",
    op: "GRU",
    inputs: [...shapes(2, 3).slice(0, 3), null, null, state(2)],
    attrs: { hidden_size: HIDDEN, linear_before_reset: 1, direction: "bidirectional" },
    outputs: 2,
  },
  {
    name: "RNN with Softplus",
    op: "RNN",
    inputs: shapes(1, 1),
    attrs: { hidden_size: HIDDEN, activations: ["Softplus"] },
    outputs: 2,
  },
];
