import { EspalierError } from "../../diagnostics/index.ts";
import { type ValueId, valueById } from "../../ir/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { int32Vector } from "./assembly.ts";
import { type BuiltinOperator, type TfliteOptions, type TfliteQuantization, tfliteOptions } from "./codec/index.ts";
import { identityLayout, type Layout, physicalShape } from "./layout.ts";
import { int8Constant, type Placed, type Placement, type Wanted } from "./placement.ts";
import type { Step } from "./plan.ts";
import {
  elementOf,
  type QuantizedConstant,
  type QuantizedType,
  realValues,
  sameQuantization,
  wideConstant,
} from "./quantization.ts";

/** How an operator becomes TFLite operators. */
export interface Lowering {
  readonly lower: (context: StepContext) => void;
  /** Whether TFLite has an int8 kernel for it; without one the step runs on real numbers between DEQUANTIZE and QUANTIZE. */
  readonly int8: boolean;
  /** Whether it has a kernel for int16 activations (with int8 weights) too. Default: no. */
  readonly int16?: boolean;
  /** The layout that it wants for its first input: NHWC, that of its output, or none in particular (default). */
  readonly wants?: "channels-last" | "output";
}

/** What a lowering sees of its step, and the means to emit operators. */
export class StepContext {
  readonly step: Step;
  readonly placement: Placement;
  /** The step runs on quantised values (int8, or int16); otherwise on real numbers. */
  readonly int8: boolean;
  readonly preferred: ReadonlyMap<ValueId, Layout>;
  readonly settings: LoweringSettings;
  readonly #pending: (() => void)[] = [];

  constructor(
    step: Step,
    placement: Placement,
    int8: boolean,
    preferred: ReadonlyMap<ValueId, Layout>,
    settings: LoweringSettings,
  ) {
    this.step = step;
    this.placement = placement;
    this.int8 = int8;
    this.preferred = preferred;
    this.settings = settings;
  }

  get name(): string {
    return this.step.node.name;
  }

  attr<T>(name: string): T {
    return this.step.attrs[name] as T;
  }

  has(i: number): boolean {
    return this.step.inputs[i] !== undefined && this.step.inputs[i] !== null;
  }

  id(i: number): ValueId {
    const id = this.step.inputs[i];
    if (id === undefined || id === null)
      throw new EspalierError("internal", `internal: ${this.step.op} has no input ${i}`);
    return id;
  }

  out(o: number): ValueId {
    return this.step.outputs[o]!;
  }

  shape(i: number): number[] {
    return this.placement.shape(this.id(i));
  }

  outShape(o = 0): number[] {
    return this.placement.shape(this.out(o));
  }

  constant(i: number): QuantizedConstant | null {
    return this.has(i) ? this.placement.constant(this.id(i)) : null;
  }

  /** A constant input that the TFLite form needs at conversion time. */
  needConstant(i: number, what: string): QuantizedConstant {
    return (
      this.constant(i) ??
      this.refuse(`${this.step.op} with a computed ${what} has no TFLite form`, `Make the ${what} a constant.`)
    );
  }

  /** The layout that a computed input has now; null for a constant, which takes any. */
  layout(i: number): Layout | null {
    return this.constant(i) === null ? this.placement.placed(this.id(i)).layout : null;
  }

  placed(i: number): Placed {
    return this.placement.placed(this.id(i));
  }

  /** The quantisation of an output, whether the step runs on int8 or not; undefined for real numbers. */
  statedQuantization(o: number): TfliteQuantization | undefined {
    return this.placement.plan.quantization.get(this.out(o));
  }

  /** The quantisation of an output, when the step runs on int8. */
  outQuantization(o = 0): TfliteQuantization {
    const quantization = this.placement.plan.quantization.get(this.out(o));
    if (quantization === undefined)
      throw new EspalierError("internal", `internal: ${this.name} has no output quantisation`);
    return quantization;
  }

  inQuantization(i: number): TfliteQuantization | undefined {
    return this.placement.plan.quantization.get(this.id(i));
  }

  /** The tensor of an input in a layout, in the element form of the step (or with the given quantisation). */
  read(i: number, layout: Layout, quantization?: TfliteQuantization): number {
    const id = this.id(i);
    const wanted: Wanted = this.int8 ? (quantization ?? "as-is") : "float";
    if (this.int8 && quantization === undefined) {
      const constant = this.placement.constant(id);
      if (constant !== null && constant.tensor.dtype === "float32")
        return this.placement.read(id, layout, this.operand(constant).quantization!, this.name);
    }
    return this.placement.read(id, layout, wanted, this.name);
  }

  /** Declares the tensor of an output. In int8, a kernel that dictates its output's quantisation gives it here: a QUANTIZE follows when it differs. */
  write(o: number, layout: Layout, dictated?: TfliteQuantization): number {
    const id = this.out(o);
    const stated = this.placement.plan.quantization.get(id) ?? null;
    const made = this.int8 ? (dictated ?? stated) : null;
    const same = made === stated || (made !== null && stated !== null && sameQuantization(made, stated));
    const { dtype } = valueById(this.placement.plan.graph, id).type;
    const direct = this.placement.declare(
      id,
      layout,
      same ? stated : made,
      same ? "" : `.${this.int8 ? "raw" : "float32"}`,
    );
    if (same || (dtype !== "int8" && dtype !== "uint8" && dtype !== "int16")) {
      this.placement.place(id, { tensor: direct, layout });
      return direct;
    }
    const final = this.placement.declare(id, layout, stated);
    this.#pending.push(() => this.emit("QUANTIZE", [direct], [final], tfliteOptions("QuantizeOptions")));
    this.placement.place(id, { tensor: final, layout });
    return direct;
  }

  /** Element type of the integers that the step runs on. */
  get element(): QuantizedType {
    const stated = this.step.outputs.map((id) => this.placement.plan.quantization.get(id));
    return stated.some((quantization) => quantization !== undefined && elementOf(quantization) === "int16")
      ? "int16"
      : "int8";
  }

  /** A constant as an operand of the step's kernel: as it is when it has integers, otherwise by the range of its values. */
  operand(constant: QuantizedConstant): QuantizedConstant {
    if (this.element === "int8") return int8Constant(constant);
    if (constant.quantization !== undefined && constant.tensor.dtype === "int16") return constant;
    return wideConstant(realValues(constant), constant.tensor.shape);
  }

  /** Gives an output the tensor of an input: no operator. */
  alias(o: number, placed: Placed): void {
    this.placement.place(this.out(o), placed);
  }

  /** An intermediate tensor of the step's element type. */
  temporary(suffix: string, shape: readonly number[], quantization?: TfliteQuantization): number {
    const dtype = this.int8 ? (quantization === undefined ? this.element : elementOf(quantization)) : "float32";
    return this.placement.assembly.tensor(`${this.name}.${suffix}`, shape, dtype, this.int8 ? quantization : undefined);
  }

  store(suffix: string, constant: QuantizedConstant): number {
    return this.placement.store(`${this.name}.${suffix}`, constant);
  }

  vector(suffix: string, values: readonly number[]): number {
    return this.store(suffix, { tensor: int32Vector(values) });
  }

  /** A float constant. */
  numbers(suffix: string, shape: readonly number[], values: ArrayLike<number>): number {
    const tensor: Tensor = { dtype: "float32", shape, data: Float32Array.from(values) };
    return this.store(suffix, { tensor });
  }

  emit(opcode: BuiltinOperator, inputs: readonly number[], outputs: readonly number[], options?: TfliteOptions): void {
    this.placement.assembly.operator(opcode, inputs, outputs, options);
  }

  /** Emits what was put off until the operator itself stood. */
  finish(): void {
    for (const emit of this.#pending) emit();
  }

  /** The layout wanted for an output by those who read it, if any. */
  wantedLayout(o = 0): Layout {
    return this.preferred.get(this.out(o)) ?? identityLayout(this.outShape(o).length);
  }

  physical(i: number, layout: Layout): number[] {
    return physicalShape(this.shape(i), layout);
  }

  note(code: "float-kernel" | "pad", message: string): void {
    this.placement.note(code, this.name, message);
  }

  refuse(message: string, hint: string): never {
    throw new EspalierError("unsupported", message, { where: `node "${this.name}" (${this.step.op})`, hint });
  }
}

/** Choices between TFLite forms of the same operator. */
export interface LoweringSettings {
  /** Global average over the image: one AVERAGE_POOL_2D (same scale in and out), or MEAN. */
  readonly globalAverage: "average-pool" | "mean";
  /**
   * Pads of a convolution that are neither SAME nor VALID (often stride 2): a PAD in front, which costs a padded copy of
   * the activation, or a kernel grown by zeros, which costs multiplications and weights. A grown kernel is used only
   * where one exists.
   */
  readonly border: "pad" | "grow";
}
