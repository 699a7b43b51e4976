export { bindBatch } from "./bind-batch.ts";
export { batchNormAffine, foldBatchNorm } from "./fold-batch-norm.ts";
export { foldConstants } from "./fold-constants.ts";
export { type FreeBatchOptions, freeBatch, freeBatchWith } from "./free-batch.ts";
export { convertFloat16, convertFloat16With, type Float16Options } from "./convert-float16.ts";
export { BATCH, batchOf } from "./batch-symbol.ts";
export { removeIdentity } from "./remove-identity.ts";
export { deployPipeline, importPipeline, type PipelineStep } from "./pipelines.ts";
export { PASSES, runPasses } from "./registry.ts";
