import type { ValueId } from "../ir/index.ts";
import { float32, scalar, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import type { AffineParameters } from "./parameters.ts";
import type { Place } from "./spell-rounded.ts";

/** QuantizeLinear and DequantizeLinear in a row; the answer has the name `result`. */
export function pairOf(
  place: Place,
  id: ValueId,
  { scale, zeroPoint }: AffineParameters,
  name: string,
  result: string,
): ValueId {
  const { builder } = place;
  const operands = [
    builder.constant(place.fresh(`${name}.scale`), scalar("float32", scale)),
    builder.constant(place.fresh(`${name}.zero_point`), scalar("int8", zeroPoint)),
  ];
  const q = builder.node("QuantizeLinear", [id, ...operands], {}, { name: place.fresh(`${name}.quantized`) });
  const options = { name: `${name}.dequantize`, outputNames: [result] };
  return builder.node("DequantizeLinear", [q, ...operands], {}, options);
}

/** Stored integers and the DequantizeLinear behind them; several scales stand for the slices of `axis`. */
export function dequantized(
  place: Place,
  name: string,
  data: Tensor,
  scales: Float32Array,
  zeroPoint: number,
  axis: number | null,
): ValueId {
  const { builder } = place;
  const shape = axis === null || scales.length === 1 ? [] : [scales.length];
  const inputs = [
    builder.constant(place.fresh(`${name}.${data.dtype}`), data),
    builder.constant(place.fresh(`${name}.scale`), float32(shape, scales)),
  ];
  // ONNX allows no zero point other than 0 beside int32, and ONNX Runtime wants it absent.
  if (data.dtype === "int8") {
    const zeros = new Int8Array(scales.length).fill(zeroPoint);
    inputs.push(builder.constant(place.fresh(`${name}.zero_point`), tensor("int8", shape, zeros)));
  }
  return builder.node("DequantizeLinear", inputs, axis === null ? {} : { axis }, {
    name: place.fresh(`${name}.dequantized`),
  });
}

/** A constant operand as int8 behind a DequantizeLinear. */
export function storedOperand(
  place: Place,
  name: string,
  data: Tensor,
  { scale, zeroPoint }: AffineParameters,
): ValueId {
  const q = Int8Array.from(toFloat32(data), (value) =>
    Math.max(-128, Math.min(127, Math.round(value / scale) + zeroPoint)),
  );
  return dequantized(place, name, tensor("int8", data.shape, q), Float32Array.of(scale), zeroPoint, null);
}
