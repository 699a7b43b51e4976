import type { ValueId } from "../../../src/ir/index.ts";
import { type Construction, PLACES, type RandomGraph } from "../random-graph.ts";

/** [N, T, heads * width] to [N, heads, T, width]. */
function heads(g: RandomGraph, x: ValueId, count: number): ValueId {
  const width = g.shape(x)[2]! / count;
  return g.node("Transpose", [g.reshape(x, 0, 0, count, width)], { perm: [0, 2, 1, 3] });
}

/** softmax(q k') v of [N, heads, T, width], back to [N, T, heads * width]. */
function attend(g: RandomGraph, q: ValueId, k: ValueId, v: ValueId): ValueId {
  const scores = g.node("MatMul", [q, g.node("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const mixed = g.node("MatMul", [g.node("Softmax", [scores], { axis: -1 }), v]);
  const [, count, tokens, width] = g.shape(mixed) as [number, number, number, number];
  return g.reshape(g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }), 0, tokens, count * width);
}

function project(g: RandomGraph, x: ValueId, width: number): ValueId {
  return g.node("Add", [g.linear(x, width), g.weight(width)]);
}

/** Queries, keys and values of one or of two sequences, each with its projection. */
function attention(g: RandomGraph, x: ValueId, memory: ValueId, width: number): ValueId {
  const [q, k, v] = [x, memory, memory].map((y) => heads(g, project(g, y, 2 * width), 2)) as [
    ValueId,
    ValueId,
    ValueId,
  ];
  return g.node("Add", [x, g.linear(attend(g, q, k, v), g.channels(x))]);
}

const packedAttention: Construction = (g, s) => {
  const x = g.tokens(s.a);
  const width = 2 + (s.size % 3);
  const grid = g.node("Transpose", [g.reshape(g.linear(x, 6 * width), 0, 0, 3, 2, width)], { perm: [2, 0, 3, 1, 4] });
  const [q, k, v] = [0, 1, 2].map((i) => g.node("Gather", [grid, g.number(i, "int64")], { axis: 0 })) as [
    ValueId,
    ValueId,
    ValueId,
  ];
  return [g.linear(attend(g, q, k, v), g.channels(x))];
};

/** Each of two key heads serves two query heads; with one key head, all. */
const sharedKeys: Construction = (g, s) => {
  const x = g.tokens(s.a);
  const shared = 1 + (s.b % 2);
  const width = 2 + (s.size % 2);
  const repeat = (y: ValueId) => {
    const wide = g.node("Expand", [g.node("Unsqueeze", [y, g.ints(2)]), g.ints(1, 1, 4 / shared, 1, 1)]);
    return g.reshape(wide, 0, 4, PLACES, width);
  };
  const q = heads(g, g.linear(x, 4 * width), 4);
  const [k, v] = [0, 1].map(() => repeat(heads(g, g.linear(x, shared * width), shared))) as [ValueId, ValueId];
  return [g.linear(attend(g, q, k, v), g.channels(x))];
};

/** Attention within windows of 2 x 2 places, rolled by one row. */
const windowed: Construction = (g, s) => {
  if (!g.fixed) return [];
  const x = g.map(s.a);
  const c = g.channels(x);
  const rolled = g.node("Concat", [g.slice(x, 2, 1, 4), g.slice(x, 2, 0, 1)], { axis: 2 });
  const cells = g.node("Transpose", [g.reshape(rolled, -1, c, 2, 2, 2, 2)], { perm: [0, 2, 4, 3, 5, 1] });
  const windows = g.reshape(cells, -1, 4, c);
  const inside = attention(g, windows, windows, 2 + (s.size % 2));
  const back = g.node("Transpose", [g.reshape(inside, -1, 2, 2, 2, 2, c)], { perm: [0, 5, 1, 3, 2, 4] });
  return [g.reshape(back, -1, c, 4, 4)];
};

/** Queries and keys with rotary positions, the table shared by the heads or not. */
const rotary: Construction = (g, s) => {
  const x = g.tokens(s.a);
  const turn = (y: ValueId) => {
    const [left, right] = g.split(y, 3, 2, 2) as [ValueId, ValueId];
    const turned = g.node("Concat", [g.node("Neg", [right]), left], { axis: 3 });
    const wave = () => g.weight(1, s.b % 2 === 0 ? 2 : 1, PLACES, 4);
    return g.node("Add", [g.node("Mul", [y, wave()]), g.node("Mul", [turned, wave()])]);
  };
  const [q, k, v] = [0, 1, 2].map(() => heads(g, g.linear(x, 8), 2)) as [ValueId, ValueId, ValueId];
  return [g.linear(attend(g, turn(q), turn(k), v), g.channels(x))];
};

const kinds = [
  ["LSTM", 4],
  ["GRU", 3],
  ["RNN", 1],
] as const;

/** A recurrent layer over the places, in one direction or both; all states, or the last ones as a gate. */
function recurrence(which: number): Construction {
  return (g, s) => {
    const [op, gates] = kinds[which]!;
    const x = g.tokens(s.a);
    const [hidden, directions] = [2 + (s.size % 3), 1 + (s.b % 2)];
    const rows = gates * hidden;
    const weights = [
      g.weight(directions, rows, g.channels(x)),
      g.weight(directions, rows, hidden),
      g.weight(directions, 2 * rows),
    ];
    const attrs = { hidden_size: hidden, direction: directions === 2 ? "bidirectional" : "forward" };
    const sequence = g.node("Transpose", [x], { perm: [1, 0, 2] });
    const [states, last] = g.nodes(op, [sequence, ...weights], attrs, 2) as [ValueId, ValueId];
    if (s.size % 2 === 0)
      return [g.reshape(g.node("Transpose", [states], { perm: [2, 0, 1, 3] }), 0, 0, directions * hidden)];
    const final = g.reshape(g.node("Transpose", [last], { perm: [1, 0, 2] }), 0, 1, directions * hidden);
    return [g.node("Mul", [g.linear(x, directions * hidden), final])];
  };
}

/** Tokens and a class token before them, positions added, the class token taken off again. */
const classToken: Construction = (g, s) => {
  const x = g.tokens(s.a);
  const c = g.channels(x);
  const batch = g.node("Mul", [g.slice(x, 1, 0, 1), g.number(0)]);
  const joined = g.node("Concat", [g.node("Add", [batch, g.weight(1, 1, c)]), x], { axis: 1 });
  const placed = g.node("Add", [joined, g.weight(1, PLACES + 1, c)]);
  return [g.node("Mul", [g.slice(placed, 1, 1, PLACES + 1), g.tame(g.slice(placed, 1, 0, 1))])];
};

/** A table looked up where the first channel of the input says. */
const embedding: Construction = (g, s) => {
  const positions = g.node("ArgMax", [g.reshape(g.exact(3), 0, 3, PLACES)], { axis: 1, keepdims: 0 });
  const words = g.node("Gather", [g.weight(3, 2 + (s.size % 5)), positions], { axis: 0 });
  return [g.node("Add", [words, g.weight(PLACES, g.channels(words))])];
};

/** Attention, recurrence and what comes with them. */
export const sequences: Readonly<Record<string, Construction>> = {
  attention: (g, s) => [attention(g, g.tokens(s.a), g.tokens(s.a), 2 + (s.size % 3))],
  "cross attention": (g, s) => [attention(g, g.tokens(s.a), g.tokens(s.b), 2 + (s.size % 2))],
  "packed attention": packedAttention,
  "shared keys": sharedKeys,
  "windowed attention": windowed,
  rotary,
  LSTM: recurrence(0),
  GRU: recurrence(1),
  RNN: recurrence(2),
  "class token": classToken,
  embedding,
};
