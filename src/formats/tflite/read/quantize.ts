import { scalar } from "../../../tensor/index.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { irDtypeOf, widened } from "./stored.ts";

/** From real numbers, or from integers of another scale; integers of 32 bits are computed in float64, whose numbers they need. */
function quantize(s: Step): void {
  const wide = [s.tensor(0).dtype, s.outTensor().dtype].includes("int32") && s.quantized(0);
  if (!wide) {
    s.put(0, s.real(0));
    return;
  }
  const { scales, zeroPoints } = s.values.quantization(s.at(0));
  if (scales.length !== 1) s.refuse("QUANTIZE of a tensor with a scale a slice is not supported");
  const centred = s.node("Sub", [s.cast(s.raw(0), "float64"), s.scalar(zeroPoints[0]!, "float64")]);
  const real = s.node("Mul", [centred, s.scalar(scales[0]!, "float64")]);
  const narrow = s.outTensor().dtype === "int32" ? real : s.cast(real, "float32");
  s.put(0, narrow);
}

/** Constants stay constants: float16 becomes float32, integers stay behind DequantizeLinear. */
function dequantize(s: Step): void {
  const stored = s.stored(0);
  if (stored !== null && s.outTensor().dtype === "float32") {
    s.values.putStored(s.outAt(0), { ...stored, tensor: widened(stored.tensor) });
    return;
  }
  s.putRaw(0, s.cast(s.real(0), irDtypeOf(s.outTensor())));
}

/** Sparse constants are unpacked where they are stored. */
function densify(s: Step): void {
  const stored = s.values.stored(s.at(0));
  if (stored === null) s.refuse("DENSIFY of a tensor that is computed is not supported");
  else s.values.putStored(s.outAt(0), stored);
}

/** Rounds to 2^bits levels between min and max, moved so that zero is one of them (tensorflow/lite/kernels/internal/quantization_util.h, NudgeQuantizationRange). */
function fakeQuant(s: Step): void {
  const { min, max, numBits, narrowRange } = s.options("FakeQuantOptions");
  if (!(numBits >= 2 && numBits <= 16 && max > min)) s.fail(`FAKE_QUANT has ${numBits} bits between ${min} and ${max}`);
  const low = narrowRange ? 1 : 0;
  const high = 2 ** numBits - 1;
  const scale = Math.fround((max - min) / (high - low));
  const zero = Math.min(high, Math.max(low, Math.round(low - min / scale)));
  const limit = (q: number) => (q - zero) * scale;
  const clipped = s.node("Clip", [s.real(0), s.scalar(limit(low)), s.scalar(limit(high))]);
  const dtype = numBits <= 8 ? "uint8" : "uint16";
  const operands = [s.constant("scale", scalar("float32", scale)), s.constant("zero_point", scalar(dtype, zero))];
  s.put(0, s.node("DequantizeLinear", [s.node("QuantizeLinear", [clipped, ...operands]), ...operands]));
}

export const QUANTIZATIONS: OperatorReaders = {
  QUANTIZE: { read: quantize, gives: ["QuantizeLinear", "DequantizeLinear", "Cast", "Sub", "Mul"] },
  DEQUANTIZE: { read: dequantize, gives: ["DequantizeLinear", "Cast"] },
  DENSIFY: { read: densify, gives: [] },
  FAKE_QUANT: { read: fakeQuant, gives: ["Clip", "QuantizeLinear", "DequantizeLinear"] },
};
