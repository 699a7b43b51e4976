export * from "./latency/index.ts";
export * from "./profile/index.ts";
export { refusal, type Unsupported, unsupported } from "./support.ts";
export { type LayerKind, type LayerWork, outputPositions, reductionChannels } from "./work.ts";
export { type ListWorkOptions, listWork } from "./list-work.ts";
