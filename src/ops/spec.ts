import { EspalierError } from "../diagnostics/index.ts";
import type { Dim, GraphBuilder, InputFact, Node, Shape, TensorType, ValueId } from "../ir/index.ts";
import { typeText } from "../ir/index.ts";
import { toNumbers } from "../tensor/index.ts";
import type { AttributeSpecs, AttributesOf } from "./attributes.ts";
import type { CouplingRule } from "./coupling-rule.ts";

/** The facts that an operator's own questions are answered from. */
export class OpContext<A> {
  readonly op: string;
  readonly attrs: A;
  readonly inputs: readonly (InputFact | null)[];
  readonly outputCount: number;

  constructor(op: string, attrs: A, inputs: readonly (InputFact | null)[], outputCount: number) {
    this.op = op;
    this.attrs = attrs;
    this.inputs = inputs;
    this.outputCount = outputCount;
  }

  has(i: number): boolean {
    return this.inputs[i] !== undefined && this.inputs[i] !== null;
  }

  type(i: number): TensorType {
    const input = this.inputs[i];
    if (input === undefined || input === null) throw new EspalierError("input", `${this.op} needs input ${i}`);
    return input.type;
  }

  shape(i: number): Shape {
    return this.type(i).shape;
  }

  /** The shape of input i, whose rank must be at least `low` and at most `high`. */
  ranked(i: number, low: number, high = low): Shape {
    const type = this.type(i);
    if (type.shape.length < low || type.shape.length > high) {
      throw new EspalierError(
        "input",
        `${this.op} needs input ${i} of rank ${low === high ? low : `${low} to ${high}`}, got ${typeText(type)}`,
      );
    }
    return type.shape;
  }

  /** The numbers of a constant input (shape, axes, scales); refuses one that is computed. */
  numbers(i: number): number[] {
    const input = this.inputs[i];
    if (input?.data === undefined) {
      throw new EspalierError("unsupported", `${this.op} needs input ${i} to be a constant, it is computed`, {
        hint: "Shapes that depend on data are not supported; export the model with fixed shapes.",
      });
    }
    return Array.from(toNumbers(input.data));
  }

  /** The integers of a constant input (shape, axes, pads); refuses one that is computed. */
  ints(i: number): number[] {
    const values = this.numbers(i);
    const odd = values.find((value) => !Number.isInteger(value));
    if (odd !== undefined) throw new EspalierError("input", `${this.op} needs input ${i} to be integers, got ${odd}`);
    return values;
  }

  /** The integers of an optional constant input, or null when it is absent. */
  intsOrNull(i: number): number[] | null {
    return this.has(i) ? this.ints(i) : null;
  }
}

/** What class of kernel a node is, for cost models. */
export type OpKind =
  | "conv"
  | "matmul"
  | "pool"
  | "elementwise"
  | "reduce"
  | "softmax"
  | "normalization"
  | "movement"
  | "quantization";

/** Gradient of a node: nodes are added to `builder`; the answer has one entry an input (null: no gradient flows there). */
export interface GradientContext<A> {
  readonly builder: GraphBuilder;
  readonly node: Node;
  readonly attrs: A;
  readonly inputs: readonly (ValueId | null)[];
  readonly outputs: readonly ValueId[];
  /** Gradient of the loss with respect to each output; null where none arrives. */
  readonly outputGradients: readonly (ValueId | null)[];
  /** Whether the gradient of input i is needed at all: a rule may skip work for others. */
  wants(i: number): boolean;
  type(id: ValueId): TensorType;
}

/** "not-differentiable": there is none, mathematically; "not-written": there is one, which Espalier does not have yet. */
export type GradientRule<A> =
  | ((context: GradientContext<A>) => readonly (ValueId | null)[])
  | "not-differentiable"
  | "not-written";

/** All that Espalier knows of an operator, in one place. Semantics are ONNX's, at `IR_OPSET`. */
export interface OpSpec<S extends AttributeSpecs = AttributeSpecs> {
  readonly attrs: S;
  /** Least and greatest number of inputs. */
  readonly inputs: readonly [number, number];
  readonly kind: OpKind;
  /** Output types; refuses inputs that do not fit. */
  readonly infer: (context: OpContext<AttributesOf<S>>) => readonly TensorType[];
  /** Multiply-accumulates of one application; absent: none (elementwise work is counted in bytes). */
  readonly macs?: (
    context: OpContext<AttributesOf<S>>,
    outputs: readonly TensorType[],
  ) => { readonly factor: number; readonly symbols: readonly string[] };
  /** How pruning sees it: which positions of which axes belong together. */
  readonly couple: CouplingRule<AttributesOf<S>>;
  readonly gradient: GradientRule<AttributesOf<S>>;
}

/** Identity function that keeps the attribute types of a declaration. */
export function defineOp<S extends AttributeSpecs>(spec: OpSpec<S>): OpSpec<S> {
  return spec;
}

/** A float32 type of the given shape, or of another dtype. */
export function typed(dtype: TensorType["dtype"], shape: readonly Dim[]): TensorType {
  return { dtype, shape };
}
