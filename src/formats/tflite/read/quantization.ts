import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { DTYPES, type DType, float32, fromNumbers, scalar } from "../../../tensor/index.ts";
import type { TfliteQuantization } from "../codec/index.ts";

/** Constants for scale and zero point: scalars, or a vector an axis. int32 has no zero point in ONNX (it must be 0). */
function parameters(builder: FoldingBuilder, q: TfliteQuantization, dtype: DType, name: string): ValueId[] {
  const shape = q.scales.length === 1 ? [] : [q.scales.length];
  const scale = builder.constant(`${name}/scale`, float32(shape, q.scales));
  if (dtype === "int32") return [scale];
  const { low, high } = rangeOf(dtype);
  const bad = q.zeroPoints.find((point) => point < low || point > high);
  if (bad !== undefined) throw new EspalierError("input", `Zero point ${bad} does not fit ${dtype}`, { where: name });
  return [scale, builder.constant(`${name}/zero_point`, fromNumbers(dtype, shape, q.zeroPoints))];
}

function rangeOf(dtype: DType): { low: number; high: number } {
  const { bytes, signed } = DTYPES[dtype];
  const span = 2 ** (8 * bytes);
  return signed ? { low: -span / 2, high: span / 2 - 1 } : { low: 0, high: span - 1 };
}

/** real = scale * (q - zero point). */
export function dequantized(builder: FoldingBuilder, value: ValueId, q: TfliteQuantization, name: string): ValueId {
  const { dtype } = builder.value(value).type;
  const attrs = q.scales.length === 1 ? {} : { axis: q.quantizedDimension };
  if (dtype === "int64" || (dtype === "int32" && q.zeroPoints.some((point) => point !== 0))) {
    if (q.scales.length !== 1)
      throw new EspalierError("unsupported", `A ${dtype} tensor has a scale a slice`, { where: name });
    const wide = builder.node("Cast", [value], { to: DTYPES.float32.onnx }, { name: `${name}/cast` });
    const centred = builder.node(
      "Sub",
      [wide, builder.constant(`${name}/zero_point`, scalar("float32", q.zeroPoints[0]!))],
      {},
      { name: `${name}/centre` },
    );
    return builder.node(
      "Mul",
      [centred, builder.constant(`${name}/scale`, scalar("float32", q.scales[0]!))],
      {},
      { name },
    );
  }
  return builder.node("DequantizeLinear", [value, ...parameters(builder, q, dtype, name)], attrs, {
    name: `${name}/dequantize`,
    outputNames: [name],
  });
}

/** Integers nearest to the real numbers, saturated; those of 32 bits are computed in float64 (QuantizeLinear has none). */
export function quantized(
  builder: FoldingBuilder,
  value: ValueId,
  dtype: DType,
  q: TfliteQuantization,
  name: string,
): ValueId {
  const zero = q.scales.find((scale) => !(scale > 0));
  if (zero !== undefined) throw new EspalierError("input", `A computed tensor has the scale ${zero}`, { where: name });
  if (q.scales.length > 1)
    throw new EspalierError("unsupported", "A computed tensor has a scale a slice", { where: name });
  if (dtype === "int32" || dtype === "int64") {
    const { low, high } = rangeOf("int32");
    const bound = (label: string, x: number) => builder.constant(`${name}/${label}`, scalar("float64", x));
    const double = builder.value(value).type.dtype === "float64";
    const wide = double ? value : builder.node("Cast", [value], { to: DTYPES.float64.onnx }, { name: `${name}/cast` });
    const scaled = builder.node("Div", [wide, bound("scale", q.scales[0]!)], {}, { name: `${name}/scaled` });
    const whole = builder.node("Round", [scaled], {}, { name: `${name}/round` });
    const moved = builder.node("Add", [whole, bound("zero_point", q.zeroPoints[0]!)], {}, { name: `${name}/moved` });
    const clipped = builder.node("Clip", [moved, bound("low", low), bound("high", high)], {}, { name: `${name}/clip` });
    return builder.node("Cast", [clipped], { to: DTYPES[dtype].onnx }, { name });
  }
  return builder.node(
    "QuantizeLinear",
    [value, ...parameters(builder, q, dtype, name)],
    {},
    {
      name: `${name}/quantize`,
      outputNames: [name],
    },
  );
}
