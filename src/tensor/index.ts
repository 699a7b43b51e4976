export { DTYPES, type DType, type DTypeArray, dtypeFromOnnx, type TypedArray } from "./dtype.ts";
export { fromHalfBits, toHalfBits } from "./half.ts";
export { dequantize, quantize, roundHalfEven } from "./quantize.ts";
export { type Random, seededRandom } from "./random.ts";
export { sameShape, stridesOf } from "./strides.ts";
export { permute, takeAlong } from "./take.ts";
export {
  allocate,
  bytesOf,
  float32,
  fromBytes,
  fromNumbers,
  int64s,
  scalar,
  sizeOf,
  type Tensor,
  tensor,
  toFloat32,
  toInts,
  toNumbers,
} from "./tensor.ts";
