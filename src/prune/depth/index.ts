export type { PruneBlock } from "./block-types.ts";
export { enclosingBlocks } from "./enclosing.ts";
export { findBlocks } from "./find-blocks.ts";
export { maskBlocks, proveBlocks, proveRemoval } from "./prove-blocks.ts";
export { removeBlocks, withoutBlocks } from "./remove-blocks.ts";
export { type BlockScoreOptions, scoreBlocks } from "./score-blocks.ts";
