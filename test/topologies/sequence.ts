import type { Graph, ValueId } from "../../src/ir/index.ts";
import { Net } from "./net.ts";

interface Recurrent {
  readonly hidden: number;
  readonly directions?: 1 | 2;
}

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

/** A recurrent layer over [T, N, F]; all states [T, directions, N, H] and the last [directions, N, H]. */
export function recurrent(
  n: Net,
  op: keyof typeof GATES,
  x: ValueId,
  { hidden, directions = 1 }: Recurrent,
): [ValueId, ValueId] {
  const features = n.shape(x)[2]!;
  const rows = GATES[op] * hidden;
  const label = n.label(op.toLowerCase());
  const inputs = [
    x,
    n.weight(`${label}.w`, [directions, rows, features], features),
    n.weight(`${label}.r`, [directions, rows, hidden], hidden),
    n.weight(`${label}.b`, [directions, 2 * rows], 10),
  ];
  const attrs = { hidden_size: hidden, direction: directions === 2 ? "bidirectional" : "forward" };
  const [all, last] = n.builder.nodes(op, inputs, attrs, { outputs: 2, name: label });
  return [all!, last!];
}

/** An embedding-free classifier: a bidirectional layer, a layer on its joined states, the last state classified. */
export function lstmClassifier(): Graph {
  const n = new Net("lstm_classifier");
  const x = n.transpose(n.input("x", "float32", "N", 6, 5), 1, 0, 2);
  const [all] = recurrent(n, "LSTM", n.linear(x, 8), { hidden: 10, directions: 2 });
  const [steps, directions, , hidden] = n.shape(all) as [number, number, number, number];
  const joined = n.reshape(n.transpose(all, 0, 2, 1, 3), steps, -1, directions * hidden);
  const [, last] = recurrent(n, "LSTM", joined, { hidden: 12 });
  return n.done(n.classifier(n.node("Squeeze", [last, n.ints(0)])));
}

/** Fully connected, narrow in the middle. */
export function autoencoder(): Graph {
  const n = new Net("autoencoder");
  let x = n.input("x", "float32", "N", 24);
  for (const width of [20, 16, 6, 16, 20]) x = n.act("Relu", n.batchNorm(n.classifier(x, width)));
  return n.done(n.classifier(x, 24));
}
