export { evaluate, FOLDABLE } from "./evaluate.ts";
export { FoldingBuilder, type FoldingOptions, newFoldingBuilder } from "./folding-builder.ts";
