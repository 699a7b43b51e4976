import type { Dim, Graph, GraphBuilder, ValueId } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import {
  fromNumbers,
  int64s,
  type Random,
  scalar,
  seededRandom,
  sizeOf,
  type Tensor,
} from "../../../src/tensor/index.ts";

/** Draws a network of the kind that exporters write: redundant, with batch normalisation, padding, bounds and reshapes in pieces. */
export function randomModel(seed: number, options: { blocks?: number; batch?: Dim } = {}): Graph {
  const random = seededRandom(seed, "model");
  const b = newBuilder(`model-${seed}`);
  const draw = new Drawing(b, random);
  let x = b.input("x", { dtype: "float32", shape: [options.batch ?? "N", 4, 8, 8] });
  for (let i = 0; i < (options.blocks ?? 8); i++) x = draw.block(x);
  b.output(random.below(2) === 0 ? x : draw.head(x));
  return b.build();
}

class Drawing {
  readonly #b: GraphBuilder;
  readonly #random: Random;

  constructor(b: GraphBuilder, random: Random) {
    this.#b = b;
    this.#random = random;
  }

  #weights(name: string, shape: number[], spread = 0.5, around = 0): ValueId {
    const values = Array.from({ length: sizeOf(shape) }, () => around + spread * this.#random.normal());
    return this.#constant(name, fromNumbers("float32", shape, values));
  }

  #constant(name: string, t: Tensor): ValueId {
    return this.#b.constant(name, t);
  }

  #number(value: number): ValueId {
    return this.#constant("k", scalar("float32", value));
  }

  #channels(x: ValueId): number {
    return this.#b.value(x).type.shape[1] as number;
  }

  #size(x: ValueId): number {
    return this.#b.value(x).type.shape[2] as number;
  }

  block(x: ValueId): ValueId {
    const kinds = [
      () => this.#conv(x),
      () => this.#norm(this.#conv(x)),
      () => this.#norm(x),
      () => this.#conv(this.#norm(x)),
      () => this.#bounds(x),
      () => this.#hardSwish(x),
      () => this.#idle(x),
      () => this.#pooled(x),
      () => this.#residual(x),
      () => this.#affine(this.#conv(x)),
      () => this.#layout(x),
    ];
    return kinds[this.#random.below(kinds.length)]!();
  }

  #conv(x: ValueId): ValueId {
    const b = this.#b;
    const channels = this.#channels(x);
    const r = this.#random;
    const kernel = r.below(2) === 0 || this.#size(x) < 3 ? 1 : 3;
    const group = [1, 2, channels][r.below(3)]!;
    if (r.below(5) === 0) {
      const w = this.#weights("wt", [channels, 2, kernel, kernel]);
      return b.node("ConvTranspose", [x, w], { group: 2 }, { name: "up" });
    }
    const padded = kernel === 3 && r.below(2) === 0;
    const input = padded && r.below(2) === 0 ? this.#pad(x) : x;
    const pads = padded && input === x ? [1, 1, 1, 1] : [0, 0, 0, 0];
    const w = this.#weights("w", [4, channels / group, kernel, kernel]);
    const inputs = r.below(2) === 0 ? [input, w] : [input, w, this.#weights("b", [4])];
    return b.node("Conv", inputs, { group, pads }, { name: "conv" });
  }

  #pad(x: ValueId): ValueId {
    const pads = this.#constant("pads", int64s([0, 0, 1, 0, 0, 0, 1, 2]));
    return this.#b.node("Pad", [x, pads, this.#number(this.#random.below(4) === 0 ? 0.5 : 0)], {}, { name: "pad" });
  }

  #norm(x: ValueId): ValueId {
    const shape = [this.#channels(x)];
    const parameters = [0, 1, 2].map((i) => this.#weights(`bn${i}`, shape));
    const variance = this.#constant(
      "var",
      fromNumbers(
        "float32",
        shape,
        shape.flatMap((n) => Array.from({ length: n }, () => 0.1 + this.#random.next())),
      ),
    );
    return this.#b.node("BatchNormalization", [x, ...parameters, variance], { epsilon: 1e-3 }, { name: "bn" });
  }

  #bounds(x: ValueId): ValueId {
    const b = this.#b;
    const first = [
      () => b.node("Relu", [x]),
      () => b.node("Max", [x, this.#number(-0.5)]),
      () => b.node("Clip", [x, this.#number(0), this.#number(Number.POSITIVE_INFINITY)]),
      () => b.node("Clip", [x, null, this.#number(0.75)]),
    ][this.#random.below(4)]!();
    return this.#random.below(2) === 0 ? first : b.node("Min", [this.#number(0.5), first]);
  }

  #hardSwish(x: ValueId): ValueId {
    const b = this.#b;
    const gate = b.node("Clip", [b.node("Add", [x, this.#number(3)]), this.#number(0), this.#number(6)]);
    if (this.#random.below(2) === 0) return b.node("Div", [b.node("Mul", [x, gate]), this.#number(6)]);
    return b.node("Mul", [b.node("Mul", [gate, this.#number(1 / 6)]), x]);
  }

  #idle(x: ValueId): ValueId {
    const b = this.#b;
    const n = this.#channels(x) * this.#size(x) ** 2;
    const kinds = [
      () => b.node("Identity", [x]),
      () => b.node("Dropout", [x, this.#number(0.5)]),
      () => b.node("Cast", [x], { to: 1 }),
      () => b.node("Mul", [x, this.#number(1)]),
      () => b.node("Concat", [x], { axis: 1 }),
      () =>
        b.node("Reshape", [
          b.node("Reshape", [x, this.#constant("flat", int64s([-1, n]))]),
          this.#constant(
            "back",
            int64s([-1, this.#channels(x), this.#size(x), this.#b.value(x).type.shape[3] as number]),
          ),
        ]),
      () => b.node("Pad", [x, this.#constant("none", int64s([0, 0, 0, 0, 0, 0, 0, 0]))]),
      () =>
        b.node("Add", [
          x,
          b.node("Mul", [
            this.#weights("c1", [4, 1, 1]),
            b.node("Cast", [this.#constant("half", fromNumbers("float16", [1], [0.5]))], { to: 1 }),
          ]),
        ]),
    ];
    const wide = this.#b.value(x).type.shape[3] !== this.#size(x);
    return kinds[this.#random.below(kinds.length)] === kinds[5] && wide
      ? x
      : kinds[this.#random.below(wide ? 5 : kinds.length)]!();
  }

  #pooled(x: ValueId): ValueId {
    const b = this.#b;
    const attrs = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
    if (this.#random.below(3) === 0) return b.node("MaxPool", [x], attrs);
    const { pads: _, ...bare } = attrs;
    return b.node("AveragePool", [this.#pad(x)], { ...bare, count_include_pad: this.#random.below(2) });
  }

  #residual(x: ValueId): ValueId {
    const gates = [0, 1].map(() => this.#b.node("Sigmoid", [x]));
    return this.#b.node("Add", [this.#b.node("Mul", [x, gates[0]!]), gates[1]!]);
  }

  #affine(x: ValueId): ValueId {
    const op = ["Add", "Sub", "Mul", "Div"][this.#random.below(4)]!;
    const constant = this.#weights("c", this.#random.below(2) === 0 ? [this.#channels(x), 1, 1] : [], 0.2, 1);
    return this.#b.node(op, this.#random.below(2) === 0 && op !== "Div" ? [constant, x] : [x, constant]);
  }

  #layout(x: ValueId): ValueId {
    const b = this.#b;
    const nhwc = b.node("Transpose", [x], { perm: [0, 2, 3, 1] });
    const inner = this.#random.below(2) === 0 ? nhwc : b.node("Relu", [nhwc]);
    return b.node("Transpose", [b.node("Identity", [inner])], { perm: [0, 3, 1, 2] });
  }

  head(x: ValueId): ValueId {
    const b = this.#b;
    const pooled = b.node("GlobalAveragePool", [x]);
    const axes = this.#constant("axes", int64s([2, 3]));
    const flat = this.#random.below(2) === 0 ? b.node("Flatten", [pooled]) : b.node("Squeeze", [pooled, axes]);
    const channels = this.#channels(x);
    const dense = b.node("MatMul", [flat, this.#weights("dense", [channels, 5])]);
    const biased = b.node("Add", [dense, this.#weights("bias", [5])]);
    const normed = this.#random.below(2) === 0 ? this.#norm(biased) : biased;
    return b.node("Softmax", [
      b.node("Gemm", [normed, this.#weights("fc", [3, 5]), this.#weights("fcb", [3])], { transB: 1, beta: 0.5 }),
    ]);
  }
}
