export { ABIS, type Abi, type MicroBuild } from "./abi.ts";
export { type ArenaPlan, planArena } from "./arena.ts";
export type { PlacedBuffer } from "./greedy.ts";
export type { MicroModel, MicroOperator, MicroSubgraph, MicroTensor } from "./model.ts";
export { PLANNED_OPERATORS } from "./operator-sizes.ts";
export type { PersistentBlock } from "./persistent.ts";
export { staticRamBytes } from "./static-ram.ts";
