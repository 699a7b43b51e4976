export {
  CAUSES,
  type Cause,
  type Interval,
  intervalOf,
  type LatencyBreakdown,
  type NodeLatency,
  type SecondsByCause,
} from "./breakdown.ts";
export { compareLatency, type LatencyComparison, type RatioInterval } from "./compare.ts";
export { isSparse24Eligible } from "./gpu.ts";
export { channelAlignment, type LatencyOptions, predictLatency } from "./predict.ts";
