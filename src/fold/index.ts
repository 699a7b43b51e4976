export { ROUNDED_ONCE } from "./arithmetic.ts";
export { evaluate, FOLDABLE } from "./evaluate.ts";
export { FoldingBuilder, type FoldingOptions, newFoldingBuilder } from "./folding-builder.ts";
