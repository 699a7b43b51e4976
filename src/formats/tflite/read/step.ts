import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import { type Attributes, type Dim, type Shape, shapeText, staticDim, type ValueId } from "../../../ir/index.ts";
import { DTYPES, type DType, int64s, scalar, type Tensor, toInts, toNumbers } from "../../../tensor/index.ts";
import {
  optionsAs,
  type TfliteOperator,
  type TfliteOptionsByType,
  type TfliteOptionsType,
  type TfliteTensor,
} from "../codec/index.ts";
import { sameQuantization } from "../quantization.ts";
import type { StateVariables } from "./state.ts";
import { isQuantized, type Stored, widened } from "./stored.ts";
import type { Layout, TensorValues } from "./values.ts";

/** Reads another subgraph in place of an operator: its inputs are given, its outputs returned. */
export type Inline = (subgraph: number, inputs: readonly ValueId[], where: string) => ValueId[];

/** What a reader of one operator sees: its operands as values of the graph, and ways to add nodes and to state its outputs. */
export class Step {
  readonly operator: TfliteOperator;
  readonly values: TensorValues;
  readonly state: StateVariables;
  readonly inline: Inline;

  constructor(operator: TfliteOperator, values: TensorValues, state: StateVariables, inline: Inline) {
    this.operator = operator;
    this.values = values;
    this.state = state;
    this.inline = inline;
  }

  get builder(): FoldingBuilder {
    return this.values.builder;
  }

  options<T extends TfliteOptionsType>(type: T): TfliteOptionsByType[T] {
    return optionsAs(this.operator, type);
  }

  /** Name of the first output, after which the nodes of the operator are called. */
  get name(): string {
    const first = this.operator.outputs[0];
    return first === undefined ? this.operator.opcode : this.values.name(first);
  }

  refuse(message: string, hint?: string): never {
    throw new EspalierError("unsupported", message, hint === undefined ? {} : { hint });
  }

  fail(message: string): never {
    throw new EspalierError("input", message);
  }

  get inputCount(): number {
    return this.operator.inputs.length;
  }

  get outputCount(): number {
    return this.operator.outputs.length;
  }

  /** Whether optional input i is there. */
  has(i: number): boolean {
    return (this.operator.inputs[i] ?? -1) !== -1;
  }

  /** Index of input i in the subgraph's tensors. */
  at(i: number): number {
    const index = this.operator.inputs[i] ?? -1;
    if (index === -1) this.fail(`${this.operator.opcode} has no input ${i}`);
    return index;
  }

  outAt(o: number): number {
    const index = this.operator.outputs[o];
    if (index === undefined) this.fail(`${this.operator.opcode} has no output ${o}`);
    return index;
  }

  tensor(i: number): TfliteTensor {
    return this.values.tensor(this.at(i));
  }

  outTensor(o = 0): TfliteTensor {
    return this.values.tensor(this.outAt(o));
  }

  quantized(i: number): boolean {
    return isQuantized(this.tensor(i));
  }

  /** Input i in real numbers. */
  real(i: number, layout: Layout = "file"): ValueId {
    return this.values.real(this.at(i), layout);
  }

  /** Input i as it is stored. */
  raw(i: number): ValueId {
    return this.values.raw(this.at(i));
  }

  reals(): ValueId[] {
    return this.operator.inputs.map((_, i) => this.real(i));
  }

  /** Shape of input i, in the file's order of axes. */
  shape(i: number): Shape {
    return this.values.shape(this.at(i));
  }

  rank(i: number): number {
    return this.shape(i).length;
  }

  dim(i: number, axis: number): number {
    return staticDim(this.shape(i).at(axis), `Axis ${axis} of input ${i} of ${this.operator.opcode}`);
  }

  axis(given: number, rank: number): number {
    const axis = given < 0 ? given + rank : given;
    if (!Number.isInteger(given) || axis < 0 || axis >= rank)
      this.fail(`Axis ${given} is outside a tensor of rank ${rank}`);
    return axis;
  }

  /** Data of input i when it is known while reading (as stored), else null. */
  data(i: number): Tensor | null {
    const index = this.at(i);
    return this.values.stored(index)?.tensor ?? this.builder.value(this.values.raw(index)).data ?? null;
  }

  #known(i: number): Tensor {
    const data = this.data(i);
    if (data !== null) return data;
    return this.refuse(
      `${this.operator.opcode} needs its input ${i} ${JSON.stringify(this.tensor(i).name)} to be a constant, it is computed`,
      "Shapes that depend on data are not supported; export the model with fixed shapes.",
    );
  }

  /** The integers that input i holds; refused when it is computed. */
  ints(i: number): number[] {
    return toInts(this.#known(i));
  }

  int(i: number): number {
    const values = this.ints(i);
    if (values.length !== 1) this.fail(`${this.operator.opcode} needs one number as input ${i}, got ${values.length}`);
    return values[0]!;
  }

  numbers(i: number): Float64Array {
    return toNumbers(this.#known(i));
  }

  /** Sizes in input i, known or with the batch's symbol; null when they are computed from data. */
  sizes(i: number): readonly Dim[] | null {
    const known = this.data(i);
    return known !== null ? toInts(known) : this.builder.sizes(this.raw(i));
  }

  /** Input i as the int64 vector that ONNX takes for shapes. */
  vector(i: number): ValueId {
    const known = this.data(i);
    return known !== null ? this.longs(toInts(known)) : this.wide(this.raw(i));
  }

  /** The value as int64. */
  wide(value: ValueId): ValueId {
    if (this.builder.value(value).type.dtype === "int64") return value;
    return this.cast(value, "int64");
  }

  cast(value: ValueId, dtype: DType): ValueId {
    if (this.builder.value(value).type.dtype === dtype) return value;
    return this.node("Cast", [value], { to: DTYPES[dtype].onnx });
  }

  /** Integers of one dtype: sizes computed in int64 (ONNX's type for them) beside int32 make all of them int64. */
  matched(values: readonly ValueId[]): ValueId[] {
    const dtypes = new Set(values.map((value) => this.builder.value(value).type.dtype));
    return dtypes.size === 2 && dtypes.has("int64") && dtypes.has("int32")
      ? values.map((value) => this.wide(value))
      : [...values];
  }

  /** Adds a node with one output, named after the operator's output. */
  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}): ValueId {
    return this.builder.node(op, inputs, attrs, { name: `${this.name}/${op}` });
  }

  nodes(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes, outputs: number): ValueId[] {
    return this.builder.nodes(op, inputs, attrs, { name: `${this.name}/${op}`, outputs });
  }

  longs(values: readonly number[]): ValueId {
    return this.builder.constant(`${this.name}/ints`, int64s(values));
  }

  scalar(value: number, dtype: DType = "float32"): ValueId {
    return this.builder.constant(`${this.name}/${value}`, scalar(dtype, value));
  }

  constant(label: string, data: Tensor): ValueId {
    return this.builder.constant(`${this.name}/${label}`, data);
  }

  reshape(value: ValueId, shape: Shape): ValueId {
    const free = shape.findIndex((dim) => typeof dim !== "number");
    if (shape.filter((dim) => typeof dim !== "number").length > 1) this.refuse(`Cannot reshape to ${shapeText(shape)}`);
    const wanted = shape.map((dim, i) => (i === free ? -1 : (dim as number)));
    return this.node("Reshape", [value, this.longs(wanted)], wanted.includes(0) ? { allowzero: 1 } : {});
  }

  transpose(value: ValueId, perm: readonly number[]): ValueId {
    return perm.every((axis, i) => axis === i) ? value : this.node("Transpose", [value], { perm });
  }

  shapeOf(value: ValueId): Shape {
    return this.builder.value(value).type.shape;
  }

  /** States what output o holds, in real numbers. */
  put(o: number, value: ValueId, layout: Layout = "file"): void {
    this.values.put(this.outAt(o), value, layout);
  }

  /** States what output o holds, as it is stored. */
  putRaw(o: number, value: ValueId): void {
    this.values.putRaw(this.outAt(o), value);
  }

  /** States that output o is what input i is: its integers, where both have the same quantisation. */
  pass(o: number, i: number): void {
    const [from, to] = [this.tensor(i), this.outTensor(o)];
    if (from.dtype === to.dtype && sameQuantization(from.quantization, to.quantization)) this.putRaw(o, this.raw(i));
    else this.put(o, this.real(i));
  }

  /** The constant that input i is, when it is one: in the file, or by folding. */
  stored(i: number): Stored | null {
    const stored = this.values.stored(this.at(i));
    if (stored !== null) return { ...stored, tensor: widened(stored.tensor) };
    const { data } = this.builder.value(this.values.raw(this.at(i)));
    if (data === undefined) return null;
    const quantization = this.quantized(i) ? this.values.quantization(this.at(i)) : undefined;
    return quantization === undefined ? { tensor: data } : { tensor: data, quantization };
  }
}

/** Reads one operator: adds its nodes and states all its outputs. */
export type ReadOperator = (s: Step) => void;

/** How a TFLite operator is read. */
export interface OperatorReader {
  readonly read: ReadOperator;
  /** ONNX operators that it becomes, besides those that layouts, quantisation and fused activations add. */
  readonly gives: readonly string[];
}

/** The readers of a family, by the name in BuiltinOperator. */
export type OperatorReaders = Readonly<Record<string, OperatorReader>>;
