export { arenaHeader } from "./arena.ts";
export { type CSource, modelDataSource } from "./model-data.ts";
export { missingInTflm, opResolverHeader } from "./op-resolver.ts";
