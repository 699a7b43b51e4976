import { create } from "@bufbuild/protobuf";
import { EspalierError } from "../../diagnostics/index.ts";
import {
  bytesOf,
  DTYPES,
  type DType,
  fromBytes,
  fromNumbers,
  sizeOf,
  type Tensor,
  tensor,
} from "../../tensor/index.ts";
import { type TensorProto, TensorProtoSchema } from "./codec/generated/onnx_pb.ts";
import { type ElementType, elementType, type Packing } from "./element-types.ts";
import { type ExternalFiles, externalBytes, isExternal } from "./external.ts";

/** A shape from int64 dimensions; refuses negative sizes and element counts beyond 2^31. */
export function shapeFrom(dims: readonly bigint[], where: string): number[] {
  const shape = dims.map(Number);
  if (shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || sizeOf(shape) > 2 ** 31) {
    throw new EspalierError("input", `Shape [${shape.join(", ")}] is not the shape of a tensor`, { where });
  }
  return shape;
}

/** Decodes a TensorProto; sizes are checked against the bytes that are there before anything is allocated. */
export function readTensor(proto: TensorProto, where: string, files: ExternalFiles = new Map()): Tensor {
  const type = elementType(proto.dataType, where);
  const shape = shapeFrom(proto.dims, where);
  if (isExternal(proto))
    return fromRaw(type, shape, externalBytes(proto, storedBytes(type, shape), files, where), where);
  if (proto.rawData.length > 0 || sizeOf(shape) === 0) return fromRaw(type, shape, proto.rawData, where);
  return fromTyped(proto, type, shape, where);
}

/** Bytes that a tensor takes in a file. */
function storedBytes({ dtype, packing }: ElementType, shape: readonly number[]): number {
  const size = sizeOf(shape);
  if (packing === "bfloat16") return 2 * size;
  return packing === null ? size * DTYPES[dtype].bytes : Math.ceil(size / 2);
}

function checkCount(
  needed: number,
  found: number,
  unit: string,
  type: string,
  shape: readonly number[],
  where: string,
) {
  if (needed === found) return;
  throw new EspalierError(
    "input",
    `A ${type} tensor of shape [${shape.join(", ")}] needs ${needed} ${unit}, the file has ${found}`,
    { where, hint: "The file is damaged or truncated." },
  );
}

function fromRaw(type: ElementType, shape: readonly number[], raw: Uint8Array, where: string): Tensor {
  checkCount(storedBytes(type, shape), raw.length, "bytes", type.packing ?? type.dtype, shape, where);
  // A copy: a view would keep the whole file in memory for as long as one weight is used.
  if (type.packing === null) return fromBytes(type.dtype, shape, raw);
  return unpacked(type.packing, shape, raw);
}

/** bfloat16 is the upper half of a float32; two 4-bit integers share a byte, the first in its low half (onnx.proto). */
function unpacked(packing: Packing, shape: readonly number[], raw: Uint8Array): Tensor {
  if (packing === "bfloat16") {
    const bits = new Uint32Array(sizeOf(shape));
    for (let i = 0; i < bits.length; i++) bits[i] = ((raw[2 * i + 1]! << 24) | (raw[2 * i]! << 16)) >>> 0;
    return tensor("float32", shape, new Float32Array(bits.buffer));
  }
  const nibbles = Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (raw[i >> 1]! >> (4 * (i & 1))) & 15);
  if (packing === "uint4") return tensor("uint8", shape, nibbles);
  return tensor(
    "int8",
    shape,
    Int8Array.from(nibbles, (value) => (value > 7 ? value - 16 : value)),
  );
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** float_data and double_data hold numbers; int32_data holds all narrower types, floats of 16 bits as bit patterns (onnx.proto). */
function fromTyped(proto: TensorProto, type: ElementType, shape: readonly number[], where: string): Tensor {
  const { dtype, packing } = type;
  if (packing === null && (dtype === "float32" || dtype === "float64"))
    return fromRaw(type, shape, joined(dtype === "float32" ? proto.floatData : proto.doubleData), where);
  const count = (values: readonly unknown[], needed: number) =>
    checkCount(needed, values.length, "elements", packing ?? dtype, shape, where);
  const size = sizeOf(shape);
  if (dtype === "int64") {
    count(proto.int64Data, size);
    return tensor("int64", shape, BigInt64Array.from(proto.int64Data));
  }
  if (dtype === "uint64") {
    count(proto.uint64Data, size);
    return tensor("uint64", shape, BigUint64Array.from(proto.uint64Data));
  }
  if (dtype === "uint32") {
    count(proto.uint64Data, size);
    return fromNumbers("uint32", shape, proto.uint64Data.map(Number));
  }
  const values = proto.int32Data;
  count(values, packing === null || packing === "bfloat16" ? size : Math.ceil(size / 2));
  if (packing === "bfloat16") return unpacked(packing, shape, littleBytes(values));
  if (packing !== null) return unpacked(packing, shape, Uint8Array.from(values));
  if (dtype === "float16") return tensor("float16", shape, Uint16Array.from(values));
  return fromNumbers(dtype as DType, shape, values);
}

function littleBytes(values: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 2 * values.length }, (_, i) => (values[i >> 1]! >> (8 * (i & 1))) & 255);
}

/** A tensor's description and its little-endian bytes, which a writer puts behind it. */
export function tensorHeader(t: Tensor, name: string): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: DTYPES[t.dtype].onnx,
    dims: t.shape.map((dim) => BigInt(dim)),
  });
}

/** Encodes a tensor with raw little-endian data. */
export function writeTensor(t: Tensor, name: string): TensorProto {
  const proto = tensorHeader(t, name);
  proto.rawData = bytesOf(t);
  return proto;
}
