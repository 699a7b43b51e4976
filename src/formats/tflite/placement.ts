import { EspalierError } from "../../diagnostics/index.ts";
import { staticShape, type ValueId, valueById } from "../../ir/index.ts";
import { tensor } from "../../tensor/index.ts";
import { asInt32, int32Vector, TfliteAssembly, tfliteDType } from "./assembly.ts";
import { type TfliteQuantization, tfliteOptions } from "./codec/index.ts";
import { compact, identityLayout, type Layout, physicalShape, placeConstant, sameLayout } from "./layout.ts";
import type { Plan } from "./plan.ts";
import {
  asInt8,
  asymmetricConstant,
  elementOf,
  type QuantizedConstant,
  realValues,
  sameQuantization,
  toIntegers,
} from "./quantization.ts";

/** Where a value lies: in a tensor, in a layout. `flat` says that the tensor has not been reshaped to the value's shape [rows, K]. */
export interface Placed {
  readonly tensor: number;
  readonly layout: Layout;
  readonly flat?: Flat;
}

/** A flattened value still in the shape of what it was flattened from: position p of a row holds element order[p] (absent: p). */
export interface Flat {
  readonly order?: Int32Array;
  /** The tensor as it was before flattening, to do it after all: transpose to `layout` first. */
  readonly source: ValueId;
  readonly contiguous: Layout;
}

/** What the emission wants to tell the user: where it had to add work that the graph does not have. */
export interface LoweringNote {
  readonly code: "transpose" | "float-kernel" | "requantise" | "pad";
  readonly node: string;
  readonly message: string;
}

/** How the reader wants the numbers: real, as given (integers keep their quantisation), or with this quantisation. */
export type Wanted = "float" | "as-is" | TfliteQuantization;

/** The tensors that hold the values of the graph, made when they are first wanted. */
export class Placement {
  readonly assembly = new TfliteAssembly();
  readonly notes: LoweringNote[] = [];
  readonly plan: Plan;
  readonly #placed = new Map<ValueId, Placed>();
  readonly #made = new Map<string, number>();

  constructor(plan: Plan) {
    this.plan = plan;
  }

  name(id: ValueId): string {
    return this.plan.names.get(id) ?? valueById(this.plan.graph, id).name;
  }

  shape(id: ValueId): number[] {
    return staticShape(valueById(this.plan.graph, id).type.shape);
  }

  /** A constant with the quantisation that it is stored in; null for a computed value. */
  constant(id: ValueId): QuantizedConstant | null {
    const { data } = valueById(this.plan.graph, id);
    if (data === undefined) return null;
    const quantization = this.plan.quantization.get(id);
    if (quantization === undefined) return { tensor: data };
    const zeroPoints =
      data.dtype === "uint8" ? quantization.zeroPoints.map((point) => point + 128) : quantization.zeroPoints;
    return asInt8({ tensor: data, quantization: { ...quantization, zeroPoints } });
  }

  place(id: ValueId, placed: Placed): void {
    this.#placed.set(id, placed);
  }

  placed(id: ValueId): Placed {
    const placed = this.#placed.get(id);
    if (placed === undefined)
      throw new EspalierError("internal", `internal: value "${this.name(id)}" has no tensor yet`);
    return placed;
  }

  /** A new computed tensor for a value, or for an intermediate result of its shape. */
  declare(id: ValueId, layout: Layout, quantization: TfliteQuantization | null, suffix = ""): number {
    const { dtype } = valueById(this.plan.graph, id).type;
    // Integers that stand for real numbers are those where a step runs on real numbers.
    const real = this.plan.quantization.has(id) ? "float32" : tfliteDType(dtype);
    const stored = quantization === null ? real : elementOf(quantization);
    return this.assembly.tensor(
      `${this.name(id)}${suffix}`,
      physicalShape(this.shape(id), layout),
      stored,
      quantization ?? undefined,
    );
  }

  /** The tensor of a value in a layout and element form; conversions are made once and shared. */
  read(id: ValueId, layout: Layout, wanted: Wanted, node: string): number {
    const constant = this.constant(id);
    if (constant !== null) return this.#constantTensor(id, constant, layout, wanted);
    const placed = this.#unflattened(id, node);
    const element = this.#element(id, placed, wanted, node);
    return this.#arrange(id, element, placed.layout, layout, node);
  }

  #constantTensor(id: ValueId, constant: QuantizedConstant, layout: Layout, wanted: Wanted): number {
    const stored = convertConstant(constant, wanted);
    return this.store(this.name(id), { ...stored, tensor: placeConstant(stored.tensor, layout) });
  }

  /** A constant tensor; float16 weights, and integers wanted as real numbers, are widened by the runtime. */
  store(name: string, constant: QuantizedConstant): number {
    const index = this.assembly.constant(name, constant.tensor, constant.quantization);
    if (constant.tensor.dtype !== "float16") return index;
    return this.#once(`widen ${index}`, () => {
      const wide = this.assembly.tensor(`${name}.float32`, constant.tensor.shape, "float32");
      this.assembly.operator("DEQUANTIZE", [index], [wide], tfliteOptions("DequantizeOptions"));
      return wide;
    });
  }

  #once(key: string, make: () => number): number {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  #unflattened(id: ValueId, node: string): Placed {
    const placed = this.placed(id);
    if (placed.flat === undefined) return placed;
    const { source, contiguous } = placed.flat;
    const layout = identityLayout(this.shape(id).length);
    const tensor = this.#once(`flat ${id}`, () => {
      const from = this.read(source, contiguous, "as-is", node);
      const to = this.declare(id, layout, this.plan.quantization.get(id) ?? null);
      this.reshape(from, to);
      return to;
    });
    return { tensor, layout };
  }

  reshape(from: number, to: number): void {
    const { shape } = this.assembly.describe(to);
    const target = this.assembly.constant("shape", int32Vector(shape));
    this.assembly.operator("RESHAPE", [from, target], [to], tfliteOptions("ReshapeOptions", { newShape: shape }));
  }

  #element(id: ValueId, placed: Placed, wanted: Wanted, node: string): number {
    const { tensor } = placed;
    const { quantization, dtype, shape } = this.assembly.describe(tensor);
    if (wanted === "as-is" || dtype === "bool" || dtype === "int32") return tensor;
    if (wanted === "float") {
      if (quantization === undefined) return tensor;
      return this.#once(`float ${tensor}`, () => {
        const real = this.assembly.tensor(`${this.name(id)}.float32`, shape, "float32");
        this.assembly.operator("DEQUANTIZE", [tensor], [real], tfliteOptions("DequantizeOptions"));
        return real;
      });
    }
    if (sameQuantization(quantization, wanted)) return tensor;
    return this.#once(`quantise ${tensor} ${JSON.stringify(wanted)}`, () => {
      if (quantization !== undefined)
        this.note("requantise", node, `"${this.name(id)}" is converted to another scale for ${node}`);
      const result = this.assembly.tensor(`${this.name(id)}.requantised`, shape, elementOf(wanted), wanted);
      this.assembly.operator("QUANTIZE", [tensor], [result], tfliteOptions("QuantizeOptions"));
      return result;
    });
  }

  /** From one layout to another: added axes come and go by RESHAPE, real axes move by TRANSPOSE. */
  #arrange(id: ValueId, tensor: number, from: Layout, to: Layout, node: string): number {
    if (sameLayout(from, to)) return tensor;
    return this.#once(`arrange ${tensor} ${from.join()} ${to.join()}`, () => {
      const shape = this.shape(id);
      const { dtype, quantization } = this.assembly.describe(tensor);
      const fresh = (layout: Layout) =>
        this.assembly.tensor(this.name(id), physicalShape(shape, layout), dtype, quantization);
      // Axes of size 1 carry no order: when the others agree, the bytes do.
      const moving = (layout: Layout) => compact(layout).filter((axis) => shape[axis] !== 1);
      if (sameLayout(moving(from), moving(to))) {
        const result = fresh(to);
        this.reshape(tensor, result);
        return result;
      }
      const start = compact(from);
      const end = compact(to);
      let at = tensor;
      if (start.length !== from.length) {
        at = fresh(start);
        this.reshape(tensor, at);
      }
      const moved = fresh(end);
      const permutation = this.assembly.constant("permutation", int32Vector(end.map((axis) => start.indexOf(axis))));
      this.assembly.operator("TRANSPOSE", [at, permutation], [moved], tfliteOptions("TransposeOptions"));
      this.note("transpose", node, `"${this.name(id)}" is transposed from [${start}] to [${end}] for ${node}`);
      if (end.length === to.length) return moved;
      const result = fresh(to);
      this.reshape(moved, result);
      return result;
    });
  }

  note(code: LoweringNote["code"], node: string, message: string): void {
    this.notes.push({ code, node, message });
  }
}

/** A constant in the element form that a reader wants. */
export function convertConstant(constant: QuantizedConstant, wanted: Wanted): QuantizedConstant {
  const { tensor: t, quantization } = constant;
  if (t.dtype === "int64") return { tensor: asInt32(t) };
  if (t.dtype === "bool" || (t.dtype === "int32" && quantization === undefined)) return constant;
  if (wanted === "as-is" || (wanted === "float" && quantization === undefined)) return constant;
  const values = realValues(constant);
  if (wanted === "float") return { tensor: tensor("float32", t.shape, values) };
  if (sameQuantization(quantization, wanted)) return constant;
  return { tensor: toIntegers(values, t.shape, elementOf(wanted), wanted), quantization: wanted };
}

/** A constant as an int8 operand: its own quantisation when it has one, otherwise the range of its values. */
export function int8Constant(constant: QuantizedConstant): QuantizedConstant {
  if (constant.quantization !== undefined && constant.tensor.dtype === "int8") return constant;
  return asymmetricConstant(realValues(constant), constant.tensor.shape);
}
