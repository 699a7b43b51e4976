import type { Graph, ValueId } from "../../src/ir/index.ts";
import { newBuilder } from "../../src/ops/index.ts";
import { float32, int64s, scalar, seededRandom } from "../../src/tensor/index.ts";

/** One step of a random graph: which construction, on which values, how large. */
export interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

const HEIGHT = 4;

/** Builds graphs over a pool of [N, C, 4, 4] values; each step adds one or more values to the pool. */
class RandomGraph {
  readonly builder = newBuilder("random");
  readonly random;
  readonly pool: ValueId[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed, "weights");
    this.pool.push(this.builder.input("x", { dtype: "float32", shape: ["N", 3, HEIGHT, HEIGHT] }));
  }

  weight(...shape: number[]): ValueId {
    const size = shape.reduce((a, b) => a * b, 1);
    const scale =
      1 /
      Math.sqrt(
        Math.max(
          1,
          shape.slice(1).reduce((a, b) => a * b, 1),
        ),
      );
    return this.builder.constant(
      "w",
      float32(
        shape,
        Array.from({ length: size }, () => this.random.normal() * scale),
      ),
    );
  }

  positive(n: number): ValueId {
    return this.builder.constant(
      "v",
      float32(
        [n],
        Array.from({ length: n }, () => 0.5 + this.random.next()),
      ),
    );
  }

  ints(...values: number[]): ValueId {
    return this.builder.constant("i", int64s(values));
  }

  shape(id: ValueId): number[] {
    return this.builder.value(id).type.shape.map((dim) => (typeof dim === "number" ? dim : 0));
  }

  channels(id: ValueId): number {
    return this.shape(id)[1]!;
  }

  pick(at: number): ValueId {
    return this.pool[at % this.pool.length]!;
  }

  node(op: string, inputs: (ValueId | null)[], attrs = {}): ValueId {
    return this.builder.node(op, inputs, attrs);
  }

  conv(x: ValueId, out: number, kernel = 3, group = 1): ValueId {
    const pad = (kernel - 1) / 2;
    return this.node("Conv", [x, this.weight(out, this.channels(x) / group, kernel, kernel), this.weight(out)], {
      pads: [pad, pad, pad, pad],
      group,
    });
  }
}

type Construction = (g: RandomGraph, step: Step) => readonly ValueId[];

const activations = ["Relu", "Sigmoid", "HardSwish", "Tanh", "Elu", "Abs"];

function sameShape(g: RandomGraph, step: Step): [ValueId, ValueId] {
  const a = g.pick(step.a);
  const peers = g.pool.filter((id) => g.channels(id) === g.channels(a));
  return [a, peers[step.b % peers.length]!];
}

/** Multi-head attention over the 16 positions, channels split into heads; `packed` makes one projection for Q, K and V. */
function attention(g: RandomGraph, x: ValueId, heads: number, width: number, packed: boolean): ValueId {
  const c = g.channels(x);
  const tokens = g.node("Transpose", [g.node("Reshape", [x, g.ints(0, c, HEIGHT * HEIGHT)])], { perm: [0, 2, 1] });
  const split = (value: ValueId) =>
    g.node("Transpose", [g.node("Reshape", [value, g.ints(0, 0, heads, width)])], { perm: [0, 2, 1, 3] });
  const project = () =>
    g.node("Add", [g.node("MatMul", [tokens, g.weight(c, heads * width)]), g.weight(heads * width)]);
  let parts: ValueId[];
  if (packed) {
    const all = g.node("MatMul", [tokens, g.weight(c, 3 * heads * width)]);
    const grid = g.node("Transpose", [g.node("Reshape", [all, g.ints(0, 0, 3, heads, width)])], {
      perm: [2, 0, 3, 1, 4],
    });
    parts = [0, 1, 2].map((i) => g.node("Gather", [grid, g.builder.constant("i", scalar("int64", i))], { axis: 0 }));
  } else parts = [split(project()), split(project()), split(project())];
  const scores = g.node("MatMul", [parts[0]!, g.node("Transpose", [parts[1]!], { perm: [0, 1, 3, 2] })]);
  const mixed = g.node("MatMul", [g.node("Softmax", [scores], { axis: -1 }), parts[2]!]);
  const merged = g.node("Reshape", [g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }), g.ints(0, 0, heads * width)]);
  const out = g.node("MatMul", [merged, g.weight(heads * width, c)]);
  return g.node("Reshape", [g.node("Transpose", [out], { perm: [0, 2, 1] }), g.ints(0, c, HEIGHT, HEIGHT)]);
}

/** LSTM, GRU or RNN over the 16 positions, the directions' states side by side as channels. */
function recurrence(g: RandomGraph, x: ValueId, step: Step): readonly ValueId[] {
  const [op, gates] = (
    [
      ["LSTM", 4],
      ["GRU", 3],
      ["RNN", 1],
    ] as const
  )[step.b % 3]!;
  const [c, hidden, directions] = [g.channels(x), 2 + (step.size % 3), 1 + (step.a % 2)];
  const sequence = g.node("Transpose", [g.node("Reshape", [x, g.ints(0, c, HEIGHT * HEIGHT)])], { perm: [2, 0, 1] });
  const rows = gates * hidden;
  const weights = [g.weight(directions, rows, c), g.weight(directions, rows, hidden), g.weight(directions, 2 * rows)];
  const attrs = { hidden_size: hidden, direction: directions === 2 ? "bidirectional" : "forward" };
  const states = g.node(op, [sequence, ...weights], attrs);
  const joined = g.node("Transpose", [states], { perm: [2, 1, 3, 0] });
  return [g.node("Reshape", [joined, g.ints(0, directions * hidden, HEIGHT, HEIGHT)])];
}

const constructions: readonly Construction[] = [
  (g, s) => [g.conv(g.pick(s.a), 2 + (s.size % 7))],
  (g, s) => [g.conv(g.pick(s.a), 4, 1)],
  (g, s) => [g.node(activations[s.b % activations.length]!, [g.pick(s.a)])],
  (g, s) => {
    const x = g.pick(s.a);
    const c = g.channels(x);
    return [g.node("BatchNormalization", [x, g.weight(c), g.weight(c), g.weight(c), g.positive(c)])];
  },
  (g, s) => [g.node(["Add", "Mul", "Sub", "Max"][s.size % 4]!, sameShape(g, s))],
  (g, s) => [g.node("Concat", [g.pick(s.a), g.pick(s.b)], { axis: 1 })],
  (g, s) => {
    const x = g.pick(s.a);
    return [g.conv(x, g.channels(x) * (1 + (s.size % 2)), 3, g.channels(x))];
  },
  (g, s) => {
    const x = g.conv(g.pick(s.a), 4 + 4 * (s.size % 2), 1);
    return [g.conv(x, 2 * (2 + (s.b % 3)), 3, 2)];
  },
  // Squeeze-and-excite gate.
  (g, s) => {
    const x = g.pick(s.a);
    const squeezed = g.conv(g.node("GlobalAveragePool", [x]), 3, 1);
    return [g.node("Mul", [x, g.node("Sigmoid", [g.conv(g.node("Relu", [squeezed]), g.channels(x), 1)])])];
  },
  (g, s) => {
    const x = g.conv(g.pick(s.a), 6, 1);
    const at = 1 + (s.size % 5);
    return g.builder.nodes("Split", [x, g.ints(at, 6 - at)], { axis: 1 }, { outputs: 2 });
  },
  (g, s) => {
    const x = g.pick(s.a);
    const c = g.channels(x);
    const from = s.size % c;
    return [g.node("Slice", [x, g.ints(from), g.ints(c), g.ints(1), g.ints(1 + (s.b % 2))])];
  },
  (g, s) => {
    const x = g.pick(s.a);
    return [g.node("Slice", [x, g.ints(-1), g.ints(-1000), g.ints(1), g.ints(-1 - (s.b % 2))])];
  },
  (g, s) => [g.node("Pad", [g.pick(s.a), g.ints(s.size % 3, s.b % 2), null, g.ints(1)])],
  // Channel shuffle.
  (g, s) => {
    const groups = 2;
    const x = g.conv(g.pick(s.a), 4 + 2 * (s.size % 3), 1, 1);
    const c = g.channels(x);
    const grid = g.node("Reshape", [x, g.ints(0, groups, c / groups, HEIGHT, HEIGHT)]);
    const turned = g.node("Transpose", [grid], { perm: [0, 2, 1, 3, 4] });
    return [g.node("Reshape", [turned, g.ints(0, -1, HEIGHT, HEIGHT)])];
  },
  (g, s) => {
    const x = g.pick(s.a);
    const order = Array.from({ length: g.channels(x) }, (_, i) => i);
    seededRandom(s.size, "order").shuffle(order);
    return [g.node("Gather", [x, g.ints(...order)], { axis: 1 })];
  },
  (g, s) => [attention(g, g.pick(s.a), 2, 2 + (s.size % 3), false)],
  (g, s) => [attention(g, g.pick(s.a), 2, 3, true)],
  (g, s) => {
    const x = g.pick(s.a);
    return [g.node("Mul", [x, g.node("ReduceMean", [x, g.ints(2, 3)], { keepdims: 1 })])];
  },
  // A sum over channels: no weight takes part.
  (g, s) => {
    const x = g.pick(s.a);
    return [g.node("Mul", [g.pick(s.b), g.node("ReduceSum", [g.node("Sigmoid", [x]), g.ints(1)], { keepdims: 1 })])];
  },
  (g, s) => [g.node("Softmax", [g.pick(s.a)], { axis: s.b % 2 === 0 ? 1 : 3 })],
  (g, s) => {
    const x = g.pick(s.a);
    const weight = g.weight(g.channels(x), 2 + (s.size % 4), 1, 1);
    return [g.node("ConvTranspose", [x, weight, g.weight(2 + (s.size % 4))])];
  },
  // A grouped transposed convolution.
  (g, s) => {
    const x = g.conv(g.pick(s.a), 4 + 2 * (s.b % 2), 1);
    return [g.node("ConvTranspose", [x, g.weight(g.channels(x), 1 + (s.size % 3), 1, 1)], { group: 2 })];
  },
  // Tied weights: the same convolution twice.
  (g, s) => {
    const x = g.pick(s.a);
    const c = g.channels(x);
    const weight = g.weight(c, c, 1, 1);
    return [g.node("Conv", [g.node("Relu", [g.node("Conv", [x, weight])]), weight])];
  },
  (g, s) => [g.node("MaxPool", [g.pick(s.a)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
  (g, s) => {
    const x = g.pick(s.a);
    return [g.node("PRelu", [x, g.weight(g.channels(x), 1, 1)])];
  },
  // A constant joined to the channels.
  (g, s) => {
    const x = g.pick(s.a);
    const ones = g.node("Mul", [g.node("ReduceMean", [x, g.ints(1)], { keepdims: 1 }), g.weight(1, 2, 1, 1)]);
    return [g.node("Concat", [x, ones], { axis: 1 })];
  },
  // A per-head linear map on a grid of channels.
  (g, s) => {
    const x = g.conv(g.pick(s.a), 6, 1);
    const grid = g.node("Reshape", [x, g.ints(0, 2, 3, HEIGHT, HEIGHT)]);
    const gate = g.node("Sigmoid", [g.node("ReduceSum", [grid, g.ints(2)], { keepdims: 1 })]);
    const scaled = g.node("Mul", [
      g.node("Mul", [grid, gate]),
      s.b % 2 === 0 ? g.weight(2, 3, 1, 1) : g.weight(1, 3, 1, 1),
    ]);
    return [g.node("Reshape", [scaled, g.ints(0, 6, HEIGHT, HEIGHT)])];
  },
  (g, s) => [g.node("Tile", [g.pick(s.a), g.ints(1, 1 + (s.size % 2), 1, 1)])],
  // Halves of a grid's columns exchanged, as rotary embeddings do.
  (g, s) => {
    const x = g.conv(g.pick(s.a), 8, 1);
    const grid = g.node("Reshape", [x, g.ints(0, 2, 4, HEIGHT, HEIGHT)]);
    const [left, right] = g.builder.nodes("Split", [grid, g.ints(2, 2)], { axis: 2 }, { outputs: 2 });
    const turned = g.node("Concat", [g.node("Neg", [right!]), left!], { axis: 2 });
    const sum = s.b % 2 === 0 ? g.node("Add", [grid, turned]) : turned;
    return [g.node("Reshape", [sum, g.ints(0, 8, HEIGHT, HEIGHT)])];
  },
  // Grouped query attention's repeat: each of two rows serves two.
  (g, s) => {
    const x = g.conv(g.pick(s.a), 6, 1);
    const grid = g.node("Reshape", [x, g.ints(0, 2, 1, 3, HEIGHT, HEIGHT)]);
    const wide = g.node("Expand", [grid, g.ints(1, 1, 2, 1, 1, 1)]);
    return [g.node("Reshape", [wide, g.ints(0, 12, HEIGHT, HEIGHT)])];
  },
  // Channels to pixels and back.
  (g, s) => {
    const mode = s.b % 2 === 0 ? "DCR" : "CRD";
    const pixels = g.node("DepthToSpace", [g.conv(g.pick(s.a), 8, 1)], { blocksize: 2, mode });
    return [g.node("SpaceToDepth", [g.conv(pixels, 1 + (s.size % 3), 3)], { blocksize: 2 })];
  },
  // A recurrent layer over the positions, in one direction or both.
  (g, s) => recurrence(g, g.pick(s.a), s),
  (g, s) => {
    const x = g.pick(s.a);
    return [g.node("Einsum", [g.weight(2 + (s.size % 4), g.channels(x)), x], { equation: "oc,nchw->nohw" })];
  },
  // Rows that share out a whole: none of them can go, their columns can.
  (g, s) => {
    const grid = g.node("Reshape", [g.conv(g.pick(s.a), 6, 1), g.ints(0, 2, 3, HEIGHT, HEIGHT)]);
    const shares = g.node("Softmax", [g.node("ReduceSum", [grid, g.ints(2)], { keepdims: 1 })], { axis: 1 });
    return [g.node("Reshape", [g.node("Mul", [grid, shares]), g.ints(0, 6, HEIGHT, HEIGHT)])];
  },
  // A gated linear unit on rows rolled by one.
  (g, s) => {
    const width = 2 + (s.size % 4);
    const x = g.conv(g.pick(s.a), 2 * width, 1);
    const [value, gate] = g.builder.nodes("Split", [x, g.ints(width, width)], { axis: 1 }, { outputs: 2 });
    const part = (from: number, to: number) => g.node("Slice", [value!, g.ints(from), g.ints(to), g.ints(2)]);
    const rolled = g.node("Concat", [part(1, HEIGHT), part(0, 1)], { axis: 2 });
    return [g.node("Mul", [rolled, g.node("Sigmoid", [gate!])])];
  },
];

export const CONSTRUCTIONS = constructions.length;

/** The graph of a list of steps, with a head that ends in a fully connected layer and, for odd `head`, one that flattens. */
export function randomGraph(seed: number, steps: readonly Step[], head: number): Graph {
  const g = new RandomGraph(seed);
  g.pool[0] = g.conv(g.pool[0]!, 4 + (seed % 4));
  for (const step of steps) {
    const made = constructions[step.kind % constructions.length]!(g, step);
    for (const id of made) if (g.channels(id) <= 48) g.pool.push(id);
  }
  const last = g.pool[g.pool.length - 1]!;
  const c = g.channels(last);
  if (head % 2 === 0) {
    const pooled = g.node("Flatten", [g.node("GlobalAveragePool", [last])]);
    g.builder.output(g.node("Gemm", [pooled, g.weight(5, c), g.weight(5)], { transB: 1 }));
  } else {
    const flat = g.node("Reshape", [last, g.ints(0, -1)]);
    g.builder.output(g.node("MatMul", [flat, g.weight(c * HEIGHT * HEIGHT, 5)]));
  }
  const other = g.pick(head);
  if (other !== last) g.builder.output(g.node("Conv", [other, g.weight(2, g.channels(other), 1, 1)]));
  return g.builder.build();
}
