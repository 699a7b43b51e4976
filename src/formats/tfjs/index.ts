export { type TfjsBoundary, type TfjsPort, tfjsBoundary } from "./boundary.ts";
export type { ReadTfjsOptions } from "./options.ts";
export { distinctNames } from "./outputs.ts";
export { readTfjs } from "./read.ts";
export { TFJS_READ } from "./read-list.ts";
export { parseModelJson, shardFiles } from "./schema.ts";
