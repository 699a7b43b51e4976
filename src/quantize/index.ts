export {
  type CalibrationBatch,
  type CalibrationOptions,
  type ChannelMeans,
  calibrate,
  channelMeansFrom,
  type GraphSession,
  type Observation,
  type Observations,
  type ObserveOptions,
  observe,
  type RangeOptions,
  type Ranges,
  rangesFrom,
} from "./calibrate.ts";
export { type CompressOptions, compressWeights } from "./compress-weights.ts";
export { type OutputRule, outputRule } from "./constraints.ts";
export { equalise } from "./equalise.ts";
export { type AffineParameters, affineInt8, type Range } from "./parameters.ts";
export { observedValues, planQuantization, type QuantizationPlan, type ScaleClass } from "./plan.ts";
export { type QuantizationAwareOptions, type QuantizationAwareResult, quantizationAwareTrain } from "./qat/index.ts";
export { activationParameters, type QuantizeOptions, quantizeGraph } from "./quantize-graph.ts";
export { DEFAULT_TAIL, type RangeMethod } from "./range-methods.ts";
export { MCU_SCHEME, MOBILE_SCHEME, type QuantizationScheme, weightLevels } from "./scheme.ts";
export { type QuantizedWeight, quantizeBias, quantizeWeight } from "./weights.ts";
