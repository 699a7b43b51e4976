import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { Shape, ValueId } from "../../../ir/index.ts";
import { allocate, DTYPES, tensor as makeTensor, sizeOf } from "../../../tensor/index.ts";
import type { TfliteOperator, TfliteQuantization, TfliteSubgraph, TfliteTensor } from "../codec/index.ts";
import { channelsFirst, channelsLast } from "./layout.ts";
import { dequantized, quantized } from "./quantization.ts";
import type { StateVariables } from "./state.ts";
import { irDtypeOf, isQuantized, permuted, type Stored, type StoredConstants } from "./stored.ts";

/** The order of axes in which a value of the IR holds a tensor: the file's, or with the channels moved to axis 1. */
export type Layout = "file" | "first";

interface Entry {
  /** As stored: integers of a quantised tensor, else the numbers themselves. */
  readonly raw: Partial<Record<Layout, ValueId>>;
  /** What the integers of a quantised tensor stand for. */
  readonly real: Partial<Record<Layout, ValueId>>;
  /** A constant that is not (only) in the tensor's own buffer: what DEQUANTIZE or DENSIFY made of one. */
  stored?: Stored | null;
}

/** Which values of the graph hold the tensors of one subgraph; both layouts and both readings are made when they are asked for. */
export class TensorValues {
  readonly builder: FoldingBuilder;
  readonly #subgraph: TfliteSubgraph;
  readonly #constants: StoredConstants;
  readonly #entries = new Map<number, Entry>();
  readonly #state: StateVariables;
  /** Variable tensors that an operator changes. */
  readonly #changed: ReadonlySet<number>;
  /** Names of the resources that tensors of type resource stand for. */
  readonly resources = new Map<number, string>();

  constructor(builder: FoldingBuilder, subgraph: TfliteSubgraph, constants: StoredConstants, state: StateVariables) {
    this.builder = builder;
    this.#subgraph = subgraph;
    this.#constants = constants;
    this.#state = state;
    this.#changed = new Set(subgraph.operators.flatMap((operator) => changedBy(operator, subgraph)));
  }

  tensor(index: number): TfliteTensor {
    const tensor = this.#subgraph.tensors[index];
    if (tensor === undefined) throw new EspalierError("input", `There is no tensor ${index}`);
    return tensor;
  }

  #where(index: number): string {
    return `tensor ${index} ${JSON.stringify(this.tensor(index).name)}`;
  }

  #entry(index: number): Entry {
    let entry = this.#entries.get(index);
    if (entry === undefined) {
      entry = { raw: {}, real: {} };
      this.#entries.set(index, entry);
    }
    return entry;
  }

  /** Whether a tensor has been computed (or is a constant). */
  has(index: number): boolean {
    const entry = this.#entries.get(index);
    return entry?.raw.file !== undefined || entry?.raw.first !== undefined || this.stored(index) !== null;
  }

  /** The constant that a tensor is in the file, if it is one. */
  stored(index: number): Stored | null {
    const entry = this.#entry(index);
    if (entry.stored === undefined) {
      const computed = entry.raw.file !== undefined || entry.raw.first !== undefined;
      entry.stored = computed ? null : this.#constants.of(this.tensor(index), this.#where(index));
    }
    return entry.stored;
  }

  /** Makes a tensor a constant. */
  putStored(index: number, stored: Stored): void {
    this.#define(index).stored = stored;
  }

  /** The tensor as it is stored (integers where it is quantised). */
  raw(index: number, layout: Layout = "file"): ValueId {
    const entry = this.#entry(index);
    const known = entry.raw[layout];
    if (known !== undefined) return known;
    const other = entry.raw[layout === "file" ? "first" : "file"];
    const made = other !== undefined ? this.#moved(index, other, layout) : this.#constant(index, layout);
    entry.raw[layout] = made;
    return made;
  }

  #moved(index: number, from: ValueId, layout: Layout): ValueId {
    const rank = this.builder.value(from).type.shape.length;
    const perm = layout === "first" ? channelsFirst(rank) : channelsLast(rank);
    const name = this.#name(index, layout);
    return this.builder.node("Transpose", [from], { perm }, { name: `${name}/transpose`, outputNames: [name] });
  }

  #constant(index: number, layout: Layout): ValueId {
    const stored = this.stored(index);
    const variable = this.tensor(index).isVariable === true;
    if (stored === null && variable) return this.#variable(index, layout);
    if (stored === null)
      throw new EspalierError(
        "input",
        `Tensor ${index} ${JSON.stringify(this.tensor(index).name)} is read before it is computed`,
      );
    const placed = layout === "file" ? stored : permuted(stored, channelsFirst(stored.tensor.shape.length));
    const name = this.#name(index, layout);
    // Integers that a DEQUANTIZE has made real, or just what the file has.
    return placed.quantization !== undefined && !isQuantized(this.tensor(index))
      ? this.realOf(placed, name)
      : this.builder.constant(name, placed.tensor);
  }

  /** What a variable holds before this run; one that nothing changes holds zeros. */
  #variable(index: number, layout: Layout): ValueId {
    const tensor = this.tensor(index);
    const type = { dtype: irDtypeOf(tensor), shape: tensor.shape };
    if (layout === "first") return this.#moved(index, this.raw(index), layout);
    if (this.#changed.has(index)) return this.#state.read(`tensor ${index}`, this.name(index), type);
    this.#constants.spend(sizeOf(type.shape) * DTYPES[type.dtype].bytes, this.#where(index));
    const zero = isQuantized(tensor) ? this.quantization(index).zeroPoints[0]! : 0;
    const data = allocate(type.dtype, sizeOf(type.shape));
    if (zero !== 0) (data as Int8Array).fill(zero);
    return this.builder.constant(this.name(index), makeTensor(type.dtype, type.shape, data));
  }

  /** The real numbers that a tensor holds. */
  real(index: number, layout: Layout = "file"): ValueId {
    if (!isQuantized(this.tensor(index))) return this.raw(index, layout);
    const entry = this.#entry(index);
    const known = entry.real[layout];
    if (known !== undefined) return known;
    const name = `${this.#name(index, layout)}/real`;
    const stored = this.stored(index);
    const made =
      stored === null
        ? dequantized(this.builder, this.raw(index, layout), this.quantization(index), name)
        : this.realOf(layout === "file" ? stored : permuted(stored, channelsFirst(stored.tensor.shape.length)), name);
    entry.real[layout] = made;
    return made;
  }

  /** A constant as real numbers: behind DequantizeLinear where it is quantised. */
  realOf(stored: Stored, name: string): ValueId {
    const { quantization } = stored;
    if (quantization === undefined) return this.builder.constant(name, stored.tensor);
    return dequantized(
      this.builder,
      this.builder.constant(`${name}/${stored.tensor.dtype}`, stored.tensor),
      quantization,
      name,
    );
  }

  /** Integers that have the quantisation of a tensor, as real numbers. */
  dequantized(raw: ValueId, index: number, name: string): ValueId {
    return dequantized(this.builder, raw, this.quantization(index), name);
  }

  realQuantized(raw: ValueId, q: TfliteQuantization, name: string): ValueId {
    return dequantized(this.builder, raw, q, name);
  }

  /** Scale and zero point of a quantised tensor. */
  quantization(index: number) {
    const { quantization } = this.tensor(index);
    if (quantization === undefined) throw new EspalierError("input", `${this.#where(index)} has no quantisation`);
    return quantization;
  }

  /** Says what a tensor holds, in real numbers; they are quantised where the file's tensor is. */
  put(index: number, value: ValueId, layout: Layout = "file"): void {
    const tensor = this.tensor(index);
    if (!isQuantized(tensor)) {
      this.putRaw(index, value, layout);
      return;
    }
    const name = this.#name(index, layout);
    this.putRaw(index, quantized(this.builder, value, irDtypeOf(tensor), this.quantization(index), name), layout);
  }

  putRaw(index: number, value: ValueId, layout: Layout = "file"): void {
    this.#define(index).raw[layout] = value;
  }

  #define(index: number): Entry {
    const entry = this.#entry(index);
    const before = entry.raw.file ?? entry.raw.first ?? entry.stored ?? null;
    if (before !== null) throw new EspalierError("input", `${this.#where(index)} is computed twice`);
    return entry;
  }

  /** Replaces what a variable tensor holds, as it is stored. */
  assign(index: number, value: ValueId): void {
    const entry = this.#entry(index);
    this.#state.write(`tensor ${index}`, this.name(index), value);
    delete entry.raw.first;
    delete entry.real.file;
    delete entry.real.first;
    entry.raw.file = value;
  }

  /** The shape in the file's order of axes, as it is inferred. */
  shape(index: number): Shape {
    const entry = this.#entry(index);
    if (entry.raw.file === undefined && entry.raw.first !== undefined) {
      const { shape } = this.builder.value(entry.raw.first).type;
      return channelsLast(shape.length).map((axis) => shape[axis]!);
    }
    const stored = entry.raw.file === undefined ? this.stored(index) : null;
    return stored === null ? this.builder.value(this.raw(index)).type.shape : stored.tensor.shape;
  }

  /** Name of the value that holds a tensor in a layout: the file's own for the file's layout. */
  #name(index: number, layout: Layout): string {
    const { name } = this.tensor(index);
    const base = name === "" ? `tensor_${index}` : name;
    return layout === "file" ? base : `${base}/channels_first`;
  }

  name(index: number): string {
    return this.#name(index, "file");
  }
}

/** Whether a dtype is one that real arithmetic is done in. */
export function isFloat(dtype: keyof typeof DTYPES): boolean {
  return DTYPES[dtype].float;
}

/** The variable tensors among the inputs of an operator that keeps state. */
function changedBy(operator: TfliteOperator, subgraph: TfliteSubgraph): number[] {
  if (!STATEFUL.has(operator.opcode)) return [];
  return operator.inputs.filter((index) => subgraph.tensors[index]?.isVariable === true);
}

/** Operators that write to their variable inputs. */
const STATEFUL: ReadonlySet<string> = new Set([
  "UNIDIRECTIONAL_SEQUENCE_LSTM",
  "BIDIRECTIONAL_SEQUENCE_LSTM",
  "UNIDIRECTIONAL_SEQUENCE_RNN",
  "BIDIRECTIONAL_SEQUENCE_RNN",
  "LSTM",
  "RNN",
  "SVDF",
]);
