import { type ErrorCode, EspalierError } from "../../diagnostics/index.ts";
import type { Attribute, Attributes, Shape, TensorType, ValueId } from "../../ir/index.ts";
import { normalAxis, staticDim } from "../../ir/index.ts";
import { DTYPES, type DType, fromNumbers, int64s, type Tensor, toNumbers } from "../../tensor/index.ts";
import type { Session } from "./session.ts";

/** What a file says of one node. */
export interface FileNodeParts {
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly (ValueId | null)[];
  readonly attrs: Attributes;
  /** One a declared output, unique in the graph; null where nothing reads it. */
  readonly outputs: readonly (string | null)[];
  /** How many outputs the file names, read or not. */
  readonly declared: number;
  /** The node's name, unique as far as the file makes it so. */
  readonly label: string;
  readonly where: string;
}

/** Elements of a constant that is made from a size. */
const MOST_COUNTED = 2 ** 20;

type Inputs = readonly (ValueId | null)[];

/**
 * A node of the file on its way into the graph: upgrades change its operator, inputs and attributes; decompositions make other
 * nodes of it with `node` and end with `result`.
 */
export class FileNode {
  op: string;
  inputs: (ValueId | null)[];
  attrs: Record<string, Attribute>;
  outputs: (string | null)[];
  readonly opset: number;
  readonly declared: number;
  readonly label: string;
  readonly where: string;
  readonly session: Session;

  constructor(session: Session, parts: FileNodeParts) {
    this.session = session;
    this.op = parts.op;
    this.opset = parts.opset;
    this.inputs = [...parts.inputs];
    this.attrs = { ...parts.attrs };
    this.outputs = [...parts.outputs];
    this.declared = parts.declared;
    this.label = parts.label;
    this.where = parts.where;
  }

  fail(message: string, hint?: string, code: ErrorCode = "unsupported"): never {
    throw new EspalierError(code, message, { where: this.where, ...(hint === undefined ? {} : { hint }) });
  }

  /** Whether something reads output i. */
  uses(i: number): boolean {
    return (this.outputs[i] ?? null) !== null;
  }

  /** Input i, or null when it is absent. */
  optional(i: number): ValueId | null {
    return this.inputs[i] ?? null;
  }

  /** Input i, which must be there. */
  input(i: number): ValueId {
    const id = this.optional(i);
    return id ?? this.fail(`${this.op} needs input ${i}, which is absent`, undefined, "input");
  }

  setInput(i: number, id: ValueId | null): void {
    while (this.inputs.length < i) this.inputs.push(null);
    this.inputs[i] = id;
  }

  type(id: ValueId): TensorType {
    return this.session.builder.value(id).type;
  }

  shape(id: ValueId): Shape {
    return this.type(id).shape;
  }

  /** A size that must be a number. */
  size(id: ValueId, axis: number): number {
    const shape = this.shape(id);
    return staticDim(shape[normalAxis(axis, shape.length)], `Size ${axis} of an input of ${this.op}`);
  }

  /** The value of a constant, or null when it is computed. */
  data(id: ValueId | null): Tensor | null {
    return id === null ? null : (this.session.builder.value(id).data ?? null);
  }

  /** The numbers of a constant, or null when it is absent or computed. */
  numbers(id: ValueId | null): number[] | null {
    const data = this.data(id);
    return data === null ? null : Array.from(toNumbers(data));
  }

  /** Takes an attribute away and gives its value. */
  take(name: string): Attribute | undefined {
    const value = this.attrs[name];
    delete this.attrs[name];
    return value;
  }

  number(name: string, fallback: number): number {
    const value = this.attrs[name] ?? fallback;
    return typeof value === "number" ? value : this.fail(`Attribute "${name}" must be a number`, undefined, "input");
  }

  text(name: string, fallback: string): string {
    const value = this.attrs[name] ?? fallback;
    return typeof value === "string" ? value : this.fail(`Attribute "${name}" must be a string`, undefined, "input");
  }

  list(name: string): readonly number[] {
    const value = this.attrs[name] ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value as readonly number[];
    return this.fail(`Attribute "${name}" must be a list of numbers`, undefined, "input");
  }

  constant(suffix: string, data: Tensor): ValueId {
    return this.session.constant(`${this.label}.${suffix}`, data);
  }

  /** A scalar constant of a dtype. */
  scalar(suffix: string, value: number, dtype: DType): ValueId {
    return this.numbersOf(suffix, dtype, [], [value]);
  }

  /** A vector of int64: shapes, axes, pads. */
  ints(suffix: string, values: readonly number[]): ValueId {
    return this.constant(suffix, int64s(values));
  }

  /** A constant of `count` elements, each by its index; a count that no model has (it may come from a hostile shape) is refused. */
  counted(suffix: string, dtype: DType, count: number, element: (i: number) => number): ValueId {
    if (count > MOST_COUNTED)
      this.fail(`${this.op} over ${count} elements is not supported`, `At most ${MOST_COUNTED} are.`);
    return this.numbersOf(
      suffix,
      dtype,
      [count],
      Array.from({ length: count }, (_, i) => element(i)),
    );
  }

  /** A constant of one dtype from numbers, which an integer must hold as they are. */
  numbersOf(suffix: string, dtype: DType, shape: readonly number[], values: ArrayLike<number>): ValueId {
    if (!DTYPES[dtype].float) {
      const odd = Array.prototype.find.call(values, (value) => !Number.isSafeInteger(value));
      if (odd !== undefined)
        this.fail(`${this.op} over ${dtype} needs the number ${odd}, which no ${dtype} is`, undefined, "input");
    }
    return this.constant(suffix, fromNumbers(dtype, shape, values));
  }

  /** Adds a node in between; its name is this node's with the operator. */
  node(op: string, inputs: Inputs, attrs: Attributes = {}): ValueId {
    return this.nodes(op, inputs, attrs, 1)[0]!;
  }

  /** Adds a node in between that has several outputs. */
  nodes(op: string, inputs: Inputs, attrs: Attributes, count: number): ValueId[] {
    const name = `${this.label}.${op}`;
    const outputNames = Array.from({ length: count }, (_, i) => this.session.fresh(i === 0 ? name : `${name}.${i}`));
    return this.session.nodes(op, inputs, attrs, { name, outputs: count, outputNames });
  }

  /** Adds the node whose output is output i of this node, and bears its name. */
  result(op: string, inputs: Inputs, attrs: Attributes = {}, i = 0): ValueId {
    const own = this.outputs[i] ?? this.session.fresh(`${this.label}.${op}`);
    return this.session.nodes(op, inputs, attrs, { name: this.label, outputNames: [own] })[0]!;
  }

  /** Adds this node as it stands now, with as many outputs as something reads (of Split, as it declares). */
  self(): ValueId[] {
    const last = this.op === "Split" ? this.outputs.length - 1 : this.outputs.findLastIndex((name) => name !== null);
    const count = Math.max(1, last + 1);
    const outputNames = Array.from(
      { length: count },
      (_, i) => this.outputs[i] ?? this.session.fresh(i === 0 ? this.label : `${this.label}.${i}`),
    );
    return this.session.nodes(this.op, this.inputs, this.attrs, { name: this.label, outputs: count, outputNames });
  }
}

/** Changes a node in place to what it would be at IR_OPSET. */
export type Upgrade = (node: FileNode) => void;

/** Makes other nodes of a node and gives its outputs (null: not made, because nothing reads it); null when the node can stay as it is. */
export type Decompose = (node: FileNode) => readonly (ValueId | null)[] | null;
