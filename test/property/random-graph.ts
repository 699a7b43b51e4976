import type { Attributes, ValueId } from "../../src/ir/index.ts";
import { newBuilder } from "../../src/ops/index.ts";
import {
  DTYPES,
  type DType,
  float32,
  fromNumbers,
  int64s,
  scalar,
  seededRandom,
  sizeOf,
} from "../../src/tensor/index.ts";

/** Height and width of every map; a map has this many squared positions. */
export const SIDE = 4;
export const PLACES = SIDE * SIDE;
/** Channels of the graph's input. */
export const INPUT_CHANNELS = 3;

/** One step of a random graph: which construction, on which values, how large. */
export interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** Adds nodes to a graph; the values that it returns, maps [N, C, 4, 4] or tokens [N, 16, C], join the pool that later steps draw from. */
export type Construction = (g: RandomGraph, step: Step) => readonly ValueId[];

/** Builds a graph over a pool of maps [N, C, 4, 4] and tokens [N, 16, C]. Weights are seeded and of variance 1 / fan-in. */
export class RandomGraph {
  readonly builder = newBuilder("random");
  readonly random;
  readonly pool: ValueId[] = [];
  readonly input: ValueId;
  /** Whether the batch is a number (2), as operators with positions in the batch need, or a symbol. */
  readonly fixed: boolean;

  constructor(seed: number) {
    this.random = seededRandom(seed, "weights");
    this.fixed = seed % 3 > 0;
    const shape = [this.fixed ? 2 : "N", INPUT_CHANNELS, SIDE, SIDE];
    this.input = this.builder.input("x", { dtype: "float32", shape });
  }

  drawn(shape: readonly number[], draw: () => number, dtype: DType = "float32"): ValueId {
    return this.builder.constant("w", fromNumbers(dtype, shape, Array.from({ length: sizeOf(shape) }, draw)));
  }

  weight(...shape: number[]): ValueId {
    const fanIn = Math.max(1, sizeOf(shape.slice(1)));
    return this.drawn(shape, () => this.random.normal() / Math.sqrt(fanIn));
  }

  /** A weight whose first axis is summed over. */
  columns(...shape: number[]): ValueId {
    return this.drawn(shape, () => this.random.normal() / Math.sqrt(shape.at(-2) ?? 1));
  }

  /** Values in [0.5, 1.5). */
  positive(...shape: number[]): ValueId {
    return this.drawn(shape, () => 0.5 + this.random.next());
  }

  ints(...values: number[]): ValueId {
    return this.builder.constant("i", int64s(values));
  }

  number(value: number, dtype: DType = "float32"): ValueId {
    return this.builder.constant("k", scalar(dtype, value));
  }

  floats(...values: number[]): ValueId {
    return this.builder.constant("f", float32([values.length], values));
  }

  shape(id: ValueId): number[] {
    return this.builder.value(id).type.shape.map((dim) => (typeof dim === "number" ? dim : 0));
  }

  isMap(id: ValueId): boolean {
    return this.shape(id).length === 4;
  }

  channels(id: ValueId): number {
    return this.isMap(id) ? this.shape(id)[1]! : this.shape(id)[2]!;
  }

  /** The axis of the channels: of a map 1, of tokens 2. */
  axis(id: ValueId): number {
    return this.isMap(id) ? 1 : 2;
  }

  /** A shape that lays `c` numbers along the channels of a value of the pool. */
  beside(id: ValueId, c = this.channels(id)): number[] {
    return this.isMap(id) ? [c, 1, 1] : [c];
  }

  /** A value of the pool, 0 the latest. */
  any(at: number): ValueId {
    return this.pool[this.pool.length - 1 - (at % this.pool.length)]!;
  }

  /** A value of the pool as a map. */
  map(at: number): ValueId {
    return this.toMap(this.any(at));
  }

  /** A value of the pool as tokens. */
  tokens(at: number): ValueId {
    return this.toTokens(this.any(at));
  }

  toMap(id: ValueId): ValueId {
    if (this.isMap(id)) return id;
    const turned = this.node("Transpose", [id], { perm: [0, 2, 1] });
    return this.reshape(turned, 0, this.channels(id), SIDE, SIDE);
  }

  toTokens(id: ValueId): ValueId {
    if (!this.isMap(id)) return id;
    return this.node("Transpose", [this.reshape(id, 0, this.channels(id), PLACES)], { perm: [0, 2, 1] });
  }

  /** Two values of the pool of one shape, perhaps the same. */
  pair(step: Step): [ValueId, ValueId] {
    const a = this.any(step.a);
    const shape = this.shape(a).join();
    const peers = this.pool.filter((id) => this.shape(id).join() === shape);
    return [a, peers[step.b % peers.length]!];
  }

  /**
   * Values [N, c, 4, 4] with channels that can be cut and that are the same numbers, to the last bit, in the masked and the cut graph: one
   * product of the graph's input and a constant. What jumps (rounding, comparisons, positions of extremes) is drawn on these only.
   */
  exact(c: number): ValueId {
    const first = this.node("Slice", [this.input, this.ints(0), this.ints(1), this.ints(1)]);
    return this.node("Mul", [first, this.weight(c, 1, 1)]);
  }

  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}): ValueId {
    return this.builder.node(op, [...inputs], attrs);
  }

  nodes(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes, outputs: number): ValueId[] {
    return this.builder.nodes(op, [...inputs], attrs, { outputs });
  }

  reshape(x: ValueId, ...shape: number[]): ValueId {
    return this.node("Reshape", [x, this.ints(...shape)]);
  }

  cast(x: ValueId, dtype: DType): ValueId {
    return this.node("Cast", [x], { to: DTYPES[dtype].onnx });
  }

  /** Values in (-1, 1). */
  tame(x: ValueId): ValueId {
    return this.node("Tanh", [x]);
  }

  /** Values in (0.5, 1.5): safe to divide by, to take roots and logarithms of. */
  above(x: ValueId): ValueId {
    return this.node("Add", [this.node("Sigmoid", [x]), this.number(0.5)]);
  }

  /** x + 0.5 y: a branch that does not drown the signal. */
  beyond(x: ValueId, y: ValueId): ValueId {
    return this.node("Add", [x, this.node("Mul", [y, this.number(0.5)])]);
  }

  conv(x: ValueId, out: number, kernel = 3, group = 1, attrs: Attributes = {}): ValueId {
    const pad = (kernel - 1) / 2;
    const inputs = [x, this.weight(out, this.channels(x) / group, kernel, kernel), this.weight(out)];
    return this.node("Conv", inputs, { pads: [pad, pad, pad, pad], group, ...attrs });
  }

  /** A product along the last axis. */
  linear(x: ValueId, out: number): ValueId {
    return this.node("MatMul", [x, this.columns(this.shape(x).at(-1)!, out)]);
  }

  split(x: ValueId, axis: number, ...sizes: number[]): ValueId[] {
    return this.nodes("Split", [x, this.ints(...sizes)], { axis }, sizes.length);
  }

  slice(x: ValueId, axis: number, from: number, to: number, step = 1): ValueId {
    return this.node("Slice", [x, this.ints(from), this.ints(to), this.ints(axis), this.ints(step)]);
  }
}
