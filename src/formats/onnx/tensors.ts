import { create } from "@bufbuild/protobuf";
import { EspalierError } from "../../diagnostics/index.ts";
import {
  bytesOf,
  DTYPES,
  type DType,
  dtypeFromOnnx,
  fromBytes,
  fromNumbers,
  sizeOf,
  type Tensor,
  tensor,
} from "../../tensor/index.ts";
import { type TensorProto, TensorProtoSchema } from "./codec/generated/onnx_pb.ts";

/** ONNX TensorProto.DataLocation.EXTERNAL. */
const EXTERNAL = 1;

/** A shape from int64 dimensions; refuses negative sizes and element counts beyond 2^31. */
function shapeFrom(dims: readonly bigint[], where: string): number[] {
  const shape = dims.map(Number);
  if (shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || sizeOf(shape) > 2 ** 31) {
    throw new EspalierError("input", `Shape [${shape.join(", ")}] is not the shape of a tensor`, { where });
  }
  return shape;
}

/** Decodes a TensorProto; sizes are checked against the bytes that are there before anything is allocated. */
export function readTensor(proto: TensorProto, where: string): Tensor {
  const dtype = dtypeFromOnnx(proto.dataType);
  if (dtype === null) {
    throw new EspalierError("unsupported", `ONNX data type ${proto.dataType} is not supported`, {
      where,
      hint: `Supported: ${Object.keys(DTYPES).join(", ")}.`,
    });
  }
  if (proto.dataLocation === EXTERNAL || proto.externalData.length > 0) {
    throw new EspalierError("unsupported", "The weights are stored outside the ONNX file", {
      where,
      hint: "Save the model with its weights inside (onnx.save with save_as_external_data=False).",
    });
  }
  const shape = shapeFrom(proto.dims, where);
  const size = sizeOf(shape);
  if (proto.rawData.length > 0 || size === 0) return inPlace(() => fromBytes(dtype, shape, proto.rawData), where);
  const typed = typedData(proto, dtype);
  if (typed.length !== size) {
    throw new EspalierError(
      "input",
      `A ${dtype} tensor of shape [${shape.join(", ")}] needs ${size} elements, the file has ${typed.length}`,
      { where, hint: "The file is damaged or truncated." },
    );
  }
  if (dtype === "int64") return tensor("int64", shape, BigInt64Array.from(proto.int64Data));
  // int32_data holds float16 as bit patterns, not as numbers (onnx.proto, TensorProto.int32_data).
  if (dtype === "float16") return tensor("float16", shape, Uint16Array.from(typed as number[]));
  return fromNumbers(dtype, shape, typed as number[]);
}

function inPlace<T>(read: () => T, where: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof EspalierError)
      throw new EspalierError(error.code, error.message, { where, hint: "The file is damaged or truncated." });
    throw error;
  }
}

function typedData(proto: TensorProto, dtype: DType): readonly number[] | readonly bigint[] {
  if (dtype === "float32") return proto.floatData;
  if (dtype === "float64") return proto.doubleData;
  if (dtype === "int64") return proto.int64Data;
  return proto.int32Data;
}

/** Encodes a tensor with raw little-endian data. */
export function writeTensor(t: Tensor, name: string): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: DTYPES[t.dtype].onnx,
    dims: t.shape.map((dim) => BigInt(dim)),
    rawData: bytesOf(t),
  });
}
