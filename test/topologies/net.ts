import type { Attributes, Graph, GraphBuilder, ValueId } from "../../src/ir/index.ts";
import { newBuilder } from "../../src/ops/index.ts";
import { type DType, float32, int64s, scalar, seededRandom } from "../../src/tensor/index.ts";

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly group?: number;
  readonly dilation?: number;
  /** Default "Relu"; null for none. */
  readonly act?: string | null;
  /** Batch normalisation behind it; default true. */
  readonly norm?: boolean;
}

/** A vocabulary to draw topologies with: seeded weights of variance 1 / fan-in, one stream a name. */
export class Net {
  readonly builder: GraphBuilder;
  readonly #name: string;
  #count = 0;

  constructor(name: string) {
    this.#name = name;
    this.builder = newBuilder(name);
  }

  input(name: string, dtype: DType, ...shape: (number | string)[]): ValueId {
    return this.builder.input(name, { dtype, shape });
  }

  image(size = 16, batch: number | string = "N"): ValueId {
    return this.input("x", "float32", batch, 3, size, size);
  }

  shape(id: ValueId): number[] {
    return this.builder.value(id).type.shape.map((dim) => (typeof dim === "number" ? dim : 0));
  }

  channels(id: ValueId): number {
    return this.shape(id)[1]!;
  }

  label(kind: string): string {
    return `${kind}${this.#count++}`;
  }

  weight(label: string, shape: readonly number[], fanIn = 1, offset = 0): ValueId {
    const random = seededRandom(7, `${this.#name}/${label}`);
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, () => offset + random.normal() / Math.sqrt(fanIn));
    return this.builder.constant(label, float32(shape, data));
  }

  ints(...values: number[]): ValueId {
    return this.builder.constant("ints", int64s(values));
  }

  number(value: number): ValueId {
    return this.builder.constant("number", scalar("float32", value));
  }

  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}): ValueId {
    return this.builder.node(op, [...inputs], attrs, { name: this.label(op) });
  }

  parts(x: ValueId, axis: number, ...sizes: number[]): ValueId[] {
    const options = { outputs: sizes.length, name: this.label("Split") };
    return [...this.builder.nodes("Split", [x, this.ints(...sizes)], { axis }, options)];
  }

  act(kind: string, x: ValueId): ValueId {
    if (kind === "Silu") return this.node("Mul", [x, this.node("Sigmoid", [x])]);
    return this.node(kind, [x]);
  }

  batchNorm(x: ValueId): ValueId {
    const c = this.channels(x);
    const label = this.label("bn");
    const wide = (part: string, offset: number) => this.weight(`${label}.${part}`, [c], 100, offset);
    return this.node("BatchNormalization", [x, wide("scale", 1), wide("bias", 0), wide("mean", 0), wide("var", 1)]);
  }

  conv(x: ValueId, out: number, options: ConvOptions = {}): ValueId {
    const { kernel = 3, stride = 1, group = 1, dilation = 1, act = "Relu", norm = true } = options;
    const label = this.label("conv");
    const own = this.channels(x) / group;
    const w = this.weight(`${label}.w`, [out, own, kernel, kernel], own * kernel * kernel);
    const pad = (dilation * (kernel - 1)) / 2;
    const attrs = { group, pads: [pad, pad, pad, pad], strides: [stride, stride], dilations: [dilation, dilation] };
    const inputs = norm ? [x, w] : [x, w, this.weight(`${label}.b`, [out], 100)];
    let y = this.node("Conv", inputs, attrs);
    if (norm) y = this.batchNorm(y);
    return act === null ? y : this.act(act, y);
  }

  /** A convolution of patches that do not overlap. */
  patches(x: ValueId, width: number, side: number): ValueId {
    const label = this.label("patches");
    const own = this.channels(x);
    const w = this.weight(`${label}.w`, [width, own, side, side], side * side * own);
    return this.node("Conv", [x, w, this.weight(`${label}.b`, [width], 100)], { strides: [side, side] });
  }

  /** One filter a channel. */
  depthwise(x: ValueId, options: ConvOptions = {}): ValueId {
    return this.conv(x, this.channels(x), { ...options, group: this.channels(x) });
  }

  maxPool(x: ValueId, kernel = 2, stride = kernel): ValueId {
    const pad = kernel % 2 === 1 ? (kernel - 1) / 2 : 0;
    return this.node("MaxPool", [x], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  }

  add(a: ValueId, b: ValueId): ValueId {
    return this.node("Add", [a, b]);
  }

  concat(axis: number, ...values: ValueId[]): ValueId {
    return this.node("Concat", values, { axis });
  }

  resize(x: ValueId, factor: number): ValueId {
    const scales = this.builder.constant("scales", float32([4], [1, 1, factor, factor]));
    return this.node("Resize", [x, null, scales], { mode: "nearest", coordinate_transformation_mode: "asymmetric" });
  }

  /** Squeeze and excite: a gate for each channel from the pooled map (Hu et al. 2018). */
  gate(x: ValueId, hidden: number, act = "Relu", gate = "Sigmoid"): ValueId {
    const squeezed = this.conv(this.node("GlobalAveragePool", [x]), hidden, { kernel: 1, act, norm: false });
    return this.node("Mul", [x, this.conv(squeezed, this.channels(x), { kernel: 1, act: gate, norm: false })]);
  }

  reshape(x: ValueId, ...shape: number[]): ValueId {
    return this.node("Reshape", [x, this.ints(...shape)]);
  }

  transpose(x: ValueId, ...perm: number[]): ValueId {
    return this.node("Transpose", [x], { perm });
  }

  /** A product along the last axis. */
  linear(x: ValueId, out: number, bias = true): ValueId {
    const own = this.shape(x).at(-1)!;
    const label = this.label("linear");
    const y = this.node("MatMul", [x, this.weight(`${label}.w`, [own, out], own)]);
    return bias ? this.add(y, this.weight(`${label}.b`, [out], 100)) : y;
  }

  layerNorm(x: ValueId): ValueId {
    const own = this.shape(x).at(-1)!;
    const label = this.label("ln");
    const parts = [this.weight(`${label}.scale`, [own], 100, 1), this.weight(`${label}.bias`, [own], 100)];
    return this.node("LayerNormalization", [x, ...parts], { axis: -1 });
  }

  gelu(x: ValueId): ValueId {
    const half = this.node("Mul", [x, this.number(0.5)]);
    const bent = this.node("Erf", [this.node("Div", [x, this.number(Math.SQRT2)])]);
    return this.node("Mul", [half, this.add(bent, this.number(1))]);
  }

  /** Pooled classifier. */
  head(x: ValueId, classes = 5): Graph {
    return this.done(this.classifier(this.node("Flatten", [this.node("GlobalAveragePool", [x])]), classes));
  }

  classifier(x: ValueId, classes = 5): ValueId {
    const own = this.channels(x);
    const label = this.label("fc");
    const weights = [this.weight(`${label}.w`, [classes, own], own), this.weight(`${label}.b`, [classes], 100)];
    return this.node("Gemm", [x, ...weights], { transB: 1 });
  }

  done(...outputs: ValueId[]): Graph {
    for (const id of outputs) this.builder.output(id);
    return this.builder.build();
  }
}
