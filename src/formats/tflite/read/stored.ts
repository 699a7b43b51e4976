import { EspalierError } from "../../../diagnostics/index.ts";
import {
  allocate,
  DTYPES,
  type DType,
  fromBytes,
  fromHalfBits,
  permute,
  type Tensor,
  type TypedArray,
  tensor,
  toNumbers,
} from "../../../tensor/index.ts";
import {
  type TfliteDType,
  type TfliteModel,
  type TfliteQuantization,
  type TfliteTensor,
  tfliteByteLength,
} from "../codec/index.ts";
import { sparsePlan } from "./densify.ts";

/** A constant of the file with its quantisation (none: plain numbers). */
export interface Stored {
  readonly tensor: Tensor;
  readonly quantization?: TfliteQuantization;
}

/** The dtype that holds a TFLite element type in the IR: 4- and 2-bit integers in 8 bits, bfloat16 in float32. Null: there is none. */
export function irDtype(dtype: TfliteDType): DType | null {
  if (dtype === "int4" || dtype === "int2") return "int8";
  if (dtype === "uint4") return "uint8";
  if (dtype === "bfloat16") return "float32";
  return Object.hasOwn(DTYPES, dtype) ? (dtype as DType) : null;
}

export function irDtypeOf(t: TfliteTensor): DType {
  const dtype = irDtype(t.dtype);
  if (dtype !== null) return dtype;
  throw new EspalierError(
    "unsupported",
    `Tensor ${JSON.stringify(t.name)} has type ${t.dtype}, which Espalier does not compute with`,
  );
}

/** The constants of a file, unpacked when they are asked for. All that is unpacked may take 64 MiB and 16 times the file. */
export class StoredConstants {
  readonly #model: TfliteModel;
  readonly #limit: number;
  #spent = 0;

  constructor(model: TfliteModel, fileBytes: number) {
    this.#model = model;
    this.#limit = 2 ** 26 + 16 * fileBytes;
  }

  /** The constant that a tensor holds, or null when it is computed. */
  of(t: TfliteTensor, where: string): Stored | null {
    const bytes = this.#model.buffers[t.buffer]!;
    const empty = t.shape.some((dim) => dim === 0) && t.shape.every((dim) => dim >= 0);
    if (bytes.length === 0 && !empty) return null;
    const dtype = irDtypeOf(t);
    const size = t.shape.reduce((a, b) => a * b, 1);
    this.spend(size * DTYPES[dtype].bytes, where);
    const dense = t.sparsity === undefined ? bytes : this.#densified(t, t.sparsity, bytes, where);
    const expected = tfliteByteLength(t.dtype, t.shape);
    if (dense.length !== expected)
      throw new EspalierError(
        "input",
        `A ${t.dtype} tensor of shape [${t.shape.join(", ")}] needs ${expected} bytes, its buffer has ${dense.length}`,
        { where },
      );
    const unpacked = unpack(t.dtype, dtype, t.shape, dense);
    if (t.quantization?.details !== undefined) return { tensor: this.#blockwise(t, unpacked, where) };
    if (!isQuantized(t)) return { tensor: unpacked };
    return { tensor: unpacked, quantization: completed(t.quantization!) };
  }

  /** Counts bytes that are unpacked; refuses more than the limit. */
  spend(bytes: number, where: string): void {
    this.#spent += bytes;
    if (this.#spent > this.#limit)
      throw new EspalierError("input", `Its constants unpack to more than ${Math.round(this.#limit / 2 ** 20)} MiB`, {
        where,
      });
  }

  #densified(t: TfliteTensor, sparsity: NonNullable<TfliteTensor["sparsity"]>, bytes: Uint8Array, where: string) {
    const width = tfliteByteLength(t.dtype, [1])!;
    if (tfliteByteLength(t.dtype, [2]) !== 2 * width)
      throw new EspalierError("unsupported", `Sparse tensors of type ${t.dtype} are not supported`, { where });
    const plan = sparsePlan(t.shape, sparsity, where);
    if (plan.stored * width !== bytes.length)
      throw new EspalierError(
        "input",
        `The sparsity describes ${plan.stored} values, the buffer has ${bytes.length / width}`,
        { where },
      );
    const dense = new Uint8Array(tfliteByteLength(t.dtype, t.shape)!);
    plan.each((position, at) => {
      for (let i = 0; i < width; i++) dense[position * width + i] = bytes[at * width + i]!;
    });
    return dense;
  }

  /** Weights with a scale a block of the last axis become plain numbers: ONNX has no such scales at the IR's opset. */
  #blockwise(t: TfliteTensor, values: Tensor, where: string): Tensor {
    const details = t.quantization!.details!;
    if (details.type !== "BlockwiseQuantization")
      throw new EspalierError("unsupported", `Quantisation by ${details.type} is not supported`, { where });
    const tensors = this.#model.subgraphs[0]!.tensors;
    const scaleTensor = tensors[details.scales];
    const scales =
      scaleTensor === undefined ? null : this.of({ ...scaleTensor, quantization: undefined } as never, where);
    const count = values.data.length;
    if (scales === null || details.blockSize < 1 || scales.tensor.data.length * details.blockSize !== count)
      throw new EspalierError(
        "input",
        `${count} values in blocks of ${details.blockSize} need ${count / details.blockSize} scales`,
        { where },
      );
    this.spend(4 * count, where);
    const points = tensors[details.zeroPoints];
    const zeros = details.zeroPoints <= 0 || points === undefined ? null : this.of(points, where);
    const scale = toNumbers(scales.tensor);
    const zero = zeros === null ? null : toNumbers(zeros.tensor);
    const out = Float32Array.from(toNumbers(values), (value, i) => {
      const block = Math.floor(i / details.blockSize);
      return (value - (zero?.[block] ?? 0)) * scale[block]!;
    });
    return tensor("float32", t.shape, out);
  }
}

function unpack(from: TfliteDType, dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  if (from === "bfloat16") {
    const out = new Uint32Array(size);
    for (let i = 0; i < size; i++) out[i] = (bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24);
    return tensor("float32", shape, new Float32Array(out.buffer));
  }
  const bits = from === "int4" || from === "uint4" ? 4 : from === "int2" ? 2 : 8;
  if (bits === 8) return fromBytes(dtype, shape, bytes);
  // The first element lies in the lowest bits (schema.fbs, INT4).
  const data = allocate(dtype, size) as Int8Array;
  const each = 8 / bits;
  for (let i = 0; i < size; i++) {
    const raw = (bytes[Math.floor(i / each)]! >> (bits * (i % each))) & (2 ** bits - 1);
    data[i] = dtype === "int8" && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw;
  }
  return tensor(dtype, shape, data as never);
}

/** Whether a tensor's integers stand for real numbers. */
export function isQuantized(t: TfliteTensor): boolean {
  const integers = ["int8", "uint8", "int16", "uint16", "int32", "int64", "int4", "uint4", "int2"].includes(t.dtype);
  return integers && t.quantization !== undefined && t.quantization.scales.length > 0;
}

function completed(q: TfliteQuantization): TfliteQuantization {
  return q.zeroPoints.length === q.scales.length ? q : { ...q, zeroPoints: q.scales.map(() => q.zeroPoints[0] ?? 0) };
}

/** The constant with its axes permuted, the quantised axis with them. */
export function permuted(stored: Stored, order: readonly number[]): Stored {
  const t = order.every((axis, i) => axis === i) ? stored.tensor : permute(stored.tensor, order);
  const { quantization: q } = stored;
  if (q === undefined) return { tensor: t };
  return {
    tensor: t,
    quantization: q.scales.length === 1 ? q : { ...q, quantizedDimension: order.indexOf(q.quantizedDimension) },
  };
}

/** The constant in another shape of the same order; refused when it has a scale a slice. */
export function reshaped(stored: Stored, shape: readonly number[]): Stored | null {
  if (stored.quantization !== undefined && stored.quantization.scales.length > 1) return null;
  return { ...stored, tensor: tensor(stored.tensor.dtype, shape, stored.tensor.data) };
}

/** float16 as float32; other tensors as they are. */
export function widened(t: Tensor): Tensor {
  if (t.dtype !== "float16") return t;
  const source = t.data as TypedArray;
  const out = new Float32Array(source.length);
  for (let i = 0; i < out.length; i++) out[i] = fromHalfBits(source[i] as number);
  return tensor("float32", t.shape, out);
}
