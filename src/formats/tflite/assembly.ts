import { createHash } from "node:crypto";
import { bytesOf, type DType, type Tensor, toInts, toNumbers } from "../../tensor/index.ts";
import type {
  BuiltinOperator,
  TfliteDType,
  TfliteModel,
  TfliteOperator,
  TfliteOptions,
  TfliteQuantization,
  TfliteTensor,
} from "./codec/index.ts";

interface DraftTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: TfliteDType;
  readonly quantization?: TfliteQuantization;
  /** Data of a constant, and its SHA-256. */
  readonly bytes?: Uint8Array;
  readonly digest?: string;
}

/** The element type that a value has in TFLite: int64 values are indices and positions, which TFLite's kernels take as int32. */
export function tfliteDType(dtype: DType): TfliteDType {
  return dtype === "int64" ? "int32" : dtype;
}

/** A growing TFLite subgraph. Equal constants become one tensor, and tensors that nothing reads are dropped at the end. */
export class TfliteAssembly {
  readonly #tensors: DraftTensor[] = [];
  readonly #operators: TfliteOperator[] = [];
  readonly #constants = new Map<string, number>();

  /** A computed tensor. */
  tensor(name: string, shape: readonly number[], dtype: TfliteDType, quantization?: TfliteQuantization): number {
    return this.#add({ name, shape, dtype, ...(quantization === undefined ? {} : { quantization }) });
  }

  /** A constant tensor; an equal one (type, shape, quantisation, bytes) is shared. */
  constant(name: string, data: Tensor, quantization?: TfliteQuantization): number {
    const t =
      data.dtype === "int64" && quantization === undefined
        ? { dtype: "int32" as const, bytes: int32Bytes(data) }
        : { dtype: data.dtype, bytes: bytesOf(data) };
    const digest = createHash("sha256").update(t.bytes).digest("base64");
    const key = JSON.stringify([t.dtype, data.shape, quantization ?? null, digest]);
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const index = this.#add({
      name,
      shape: data.shape,
      dtype: t.dtype,
      bytes: t.bytes,
      digest,
      ...(quantization === undefined ? {} : { quantization }),
    });
    this.#constants.set(key, index);
    return index;
  }

  #add(draft: DraftTensor): number {
    return this.#tensors.push(draft) - 1;
  }

  /** A tensor; `unsigned`: as it is written in a file whose int8 tensors become uint8. */
  describe(tensor: number, unsigned = false): DraftTensor {
    const draft = this.#tensors[tensor]!;
    return unsigned ? asUnsigned({ ...draft }) : draft;
  }

  operator(
    opcode: BuiltinOperator,
    inputs: readonly number[],
    outputs: readonly number[],
    options?: TfliteOptions,
  ): void {
    this.#operators.push({ opcode, inputs, outputs, ...(options === undefined ? {} : { options }) });
  }

  get operators(): readonly TfliteOperator[] {
    return this.#operators;
  }

  /**
   * The model: tensors in the order of first use (inputs first), a buffer for each distinct block of constant bytes, buffer 0
   * empty. `unsigned`: int8 tensors are written as uint8, 128 higher.
   */
  finish(
    names: { subgraph: string; description: string },
    inputs: readonly { name: string; tensor: number }[],
    outputs: readonly { name: string; tensor: number }[],
    unsigned = false,
  ): TfliteModel {
    const index = new Map<number, number>();
    const tensors: TfliteTensor[] = [];
    const buffers: Uint8Array[] = [new Uint8Array(0)];
    const bufferOf = new Map<string, number>();
    const keep = (old: number): number => {
      if (old < 0) return old;
      const known = index.get(old);
      if (known !== undefined) return known;
      const { bytes, digest, ...draft } = unsigned ? asUnsigned(this.#tensors[old]!) : this.#tensors[old]!;
      tensors.push({
        ...draft,
        buffer: bytes === undefined || bytes.length === 0 ? 0 : shareBuffer(buffers, bufferOf, bytes, digest!),
      });
      index.set(old, tensors.length - 1);
      return tensors.length - 1;
    };
    const entries = inputs.map(({ name, tensor }) => ({ name, tensor: keep(tensor) }));
    const operators = this.#operators.map((operator) => ({
      ...operator,
      inputs: operator.inputs.map(keep),
      outputs: operator.outputs.map(keep),
    }));
    const exits = outputs.map(({ name, tensor }) => ({ name, tensor: keep(tensor) }));
    return {
      version: 3,
      description: names.description,
      subgraphs: [
        {
          name: names.subgraph,
          tensors,
          operators,
          inputs: entries.map((entry) => entry.tensor),
          outputs: exits.map((exit) => exit.tensor),
        },
      ],
      buffers,
      metadata: [],
      signatures: [{ key: "serving_default", subgraph: 0, inputs: entries, outputs: exits }],
    };
  }
}

/** The same numbers in uint8: elements and zero points 128 higher. */
function asUnsigned(draft: DraftTensor): DraftTensor {
  const { dtype, quantization, bytes, digest } = draft;
  if (dtype !== "int8") return draft;
  return {
    ...draft,
    dtype: "uint8",
    ...(quantization === undefined
      ? {}
      : { quantization: { ...quantization, zeroPoints: quantization.zeroPoints.map((point) => point + 128) } }),
    ...(bytes === undefined ? {} : { bytes: bytes.map((byte) => byte ^ 0x80), digest: `unsigned ${digest}` }),
  };
}

function shareBuffer(buffers: Uint8Array[], known: Map<string, number>, bytes: Uint8Array, key: string): number {
  const found = known.get(key);
  if (found !== undefined) return found;
  buffers.push(bytes);
  known.set(key, buffers.length - 1);
  return buffers.length - 1;
}

function int32Bytes(t: Tensor): Uint8Array {
  const narrow = Int32Array.from(toNumbers(t), (value) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)));
  return new Uint8Array(narrow.buffer);
}

/** An int32 vector, TFLite's type for shapes, axes, begins and the like. */
export function int32Vector(values: readonly number[]): Tensor<"int32"> {
  return { dtype: "int32", shape: [values.length], data: Int32Array.from(values) };
}

/** Integers of a constant as an int32 vector of the same shape. */
export function asInt32(t: Tensor): Tensor<"int32"> {
  return { dtype: "int32", shape: t.shape, data: Int32Array.from(toInts(t)) };
}
