export {
  type QuantizationAwareOptions,
  type QuantizationAwareResult,
  quantizationAwareTrain,
} from "./quantization-aware-train.ts";
