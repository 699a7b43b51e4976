export * from "./flash/index.ts";
export * from "./latency/index.ts";
export { type ListWorkOptions, listWork } from "./list-work.ts";
export { type LiveInterval, type PeakMemory, planPeakActivations } from "./peak.ts";
export * from "./profile/index.ts";
export { refusal, type Unsupported, unsupported } from "./support.ts";
export * from "./tflm/index.ts";
export { type LayerKind, type LayerWork, outputPositions, reductionChannels } from "./work.ts";
