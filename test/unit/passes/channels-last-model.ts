import type { Dim, Graph, GraphBuilder, ValueId } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { fromNumbers, int64s, type Random, scalar, seededRandom, sizeOf, tensor } from "../../../src/tensor/index.ts";

export interface ChannelsLastOptions {
  readonly blocks?: number;
  readonly batch?: Dim;
}

/** Draws a network as a reader of a channels-last format writes it: all in NHWC, with a Transpose on either side of each layer that needs NCHW. */
export function channelsLastModel(seed: number, options: ChannelsLastOptions = {}): Graph {
  const b = newBuilder(`nhwc-${seed}`);
  const draw = new Drawing(b, seededRandom(seed, "nhwc"));
  let x = draw.conv(b.input("x", { dtype: "float32", shape: [options.batch ?? "N", 6, 6, 3] }), 4);
  for (let i = 0; i < (options.blocks ?? 8); i++) x = draw.block(x);
  b.output(draw.head(x));
  return b.build();
}

class Drawing {
  readonly #b: GraphBuilder;
  readonly #random: Random;

  constructor(b: GraphBuilder, random: Random) {
    this.#b = b;
    this.#random = random;
  }

  #weights(shape: number[], spread = 0.5): ValueId {
    const values = Array.from({ length: sizeOf(shape) }, () => spread * this.#random.normal());
    return this.#b.constant("w", fromNumbers("float32", shape, values));
  }

  #ints(values: number[]): ValueId {
    return this.#b.constant("i", int64s(values));
  }

  #number(value: number): ValueId {
    return this.#b.constant("k", scalar("float32", value));
  }

  #shape(x: ValueId): Dim[] {
    return [...this.#b.value(x).type.shape];
  }

  #channels(x: ValueId): number {
    return this.#shape(x)[3] as number;
  }

  /** The layer between transposes. */
  #inner(x: ValueId, layer: (x: ValueId) => ValueId): ValueId {
    const nchw = this.#b.node("Transpose", [x], { perm: [0, 3, 1, 2] });
    return this.#b.node("Transpose", [layer(nchw)], { perm: [0, 2, 3, 1] });
  }

  conv(x: ValueId, channels: number): ValueId {
    const kernel = (this.#shape(x)[1] as number) > 2 && (this.#shape(x)[2] as number) > 2 ? 3 : 1;
    const pads = kernel === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0];
    const w = this.#weights([channels, this.#channels(x), kernel, kernel], 0.3);
    const y = this.#inner(x, (inner) => this.#b.node("Conv", [inner, w], { pads }));
    return this.#b.node("Add", [y, this.#weights([channels])]);
  }

  block(x: ValueId): ValueId {
    const b = this.#b;
    const c = this.#channels(x);
    const kinds = [
      () => this.conv(x, 4),
      () => this.conv(b.node("Relu", [x]), c),
      () => b.node("PRelu", [x, this.#weights([1, 1, c])]),
      () => b.node("Clip", [x, this.#number(-1), this.#number(1)]),
      () => b.node("Add", [this.conv(b.node("Relu", [this.conv(x, c)]), c), x]),
      () => this.#squeezeExcite(x),
      () => this.#branches(x),
      () => b.node("Concat", this.#halves(x).reverse(), { axis: -1 }),
      () =>
        this.#inner(x, (inner) =>
          b.node("MaxPool", [inner], { kernel_shape: [2, 2], strides: [1, 1], pads: [1, 1, 0, 0] }),
        ),
      () => b.node("Pad", [x, this.#ints([0, 1, 0, 0, 0, 0, 0, 1]), this.#number(0.25)]),
      () => b.node("Slice", [x, this.#ints([0, 1]), this.#ints([3, 99]), this.#ints([3, 1])]),
      () => b.node("Softmax", [x], { axis: -1 }),
      () => this.#perAxis(x),
      () => b.node("Where", [b.node("Greater", [x, this.#weights([c])]), x, this.#number(0.5)]),
      () => b.node("Tile", [x, this.#ints([1, 1, 1, 2])]),
      () => b.node("Gather", [x, this.#ints([0, 1, 0])], { axis: 3 }),
      () => b.node("Mul", [x, b.node("ReduceMax", [x, this.#ints([3])])]),
      () => this.#tokens(x),
      () =>
        b.node("Sub", [
          x,
          b.node("Unsqueeze", [b.node("ReduceMean", [x, this.#ints([1, 2])], { keepdims: 0 }), this.#ints([1, 2])]),
        ]),
    ];
    const y = kinds[this.#random.below(kinds.length)]!();
    return this.#random.below(4) === 0 ? this.conv(y, 4) : y;
  }

  #halves(x: ValueId): ValueId[] {
    const c = this.#channels(x);
    if (c < 2) return [x, x];
    return this.#b.nodes("Split", [x, this.#ints([1, c - 1])], { axis: 3 }, { outputs: 2 });
  }

  #squeezeExcite(x: ValueId): ValueId {
    const b = this.#b;
    const pooled = b.node("ReduceMean", [x, this.#ints([1, 2])]);
    const squeezed = b.node("Relu", [this.conv(pooled, 2)]);
    return b.node("Mul", [x, b.node("Sigmoid", [this.conv(squeezed, this.#channels(x))])]);
  }

  #branches(x: ValueId): ValueId {
    const branches = [this.conv(x, 2), this.#b.node("Tanh", [this.conv(x, 3)]), x];
    return this.#b.node("Concat", branches, { axis: 3 });
  }

  #perAxis(x: ValueId): ValueId {
    const c = this.#channels(x);
    const scale = this.#b.constant(
      "s",
      fromNumbers(
        "float32",
        [c],
        Array.from({ length: c }, (_, i) => 0.01 + 0.01 * i),
      ),
    );
    const zero = this.#b.constant("z", tensor("int8", [c], new Int8Array(c)));
    const q = this.#b.node("QuantizeLinear", [x, scale, zero], { axis: -1 });
    return this.#b.node("DequantizeLinear", [q, scale, zero], { axis: 3 });
  }

  /** [N, H, W, C] as [N, H W, C] and back. */
  #tokens(x: ValueId): ValueId {
    const [, height, width, c] = this.#shape(x) as number[];
    const rows = this.#b.node("Reshape", [x, this.#ints([0, height! * width!, c!])]);
    const scaled = this.#b.node("Mul", [rows, this.#weights([height! * width!, 1])]);
    return this.#b.node("Reshape", [scaled, this.#ints([0, height!, width!, c!])]);
  }

  head(x: ValueId): ValueId {
    const b = this.#b;
    const features = this.#shape(x).slice(1) as number[];
    const heads = [
      () => b.node("ReduceMean", [x, this.#ints([1, 2])], { keepdims: 0 }),
      () => b.node("Flatten", [x]),
      () => b.node("Sigmoid", [b.node("Reshape", [x, this.#ints([-1, sizeOf(features)])])]),
      () => b.node("Squeeze", [this.#inner(x, (inner) => b.node("GlobalAveragePool", [inner])), this.#ints([1, 2])]),
    ];
    const flat = heads[this.#random.below(heads.length)]!();
    return b.node("MatMul", [flat, this.#weights([this.#shape(flat)[1] as number, 3], 0.1)]);
  }
}
