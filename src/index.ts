/**
 * Espalier as a library: read a graph, find what can be cut, train, quantise, emit, run the artifact, and report.
 *
 *     const graph = runPasses(readOnnx(bytes), importPipeline);
 *     const groups = findGroups(graph);
 *     const small = cutGraph(graph, groups, cutOf(group, kept));
 *     const { graph: tuned } = await train(small, data, { epochs: 2, schedule, seed: 1 });
 *     const { bytes: tflite } = emitTflite(quantizeGraph(runPasses(tuned, deployPipeline), ranges, MCU_SCHEME));
 *
 * Every function throws `EspalierError` and nothing else; equal inputs and seed give equal bytes.
 */

export type { ArenaPlan as PlannedArena, LatencyBreakdown as PredictedLatency } from "./cost/index.ts";
// Devices and costs
export {
  channelAlignment,
  compareLatency,
  type DeviceProfile,
  estimateFlash,
  type FlashEstimate,
  type LayerWork,
  listProfiles,
  listWork,
  loadProfile,
  type MicroModel,
  parseProfile,
  planArena,
  predictLatency,
  type Unsupported,
  unsupported,
} from "./cost/index.ts";
// Data
export {
  type Batch,
  type BatchOptions,
  batches,
  type Dataset,
  type DatasetParts,
  datasetOf,
  holdOut,
  type LoadOptions,
  loadDataset,
  type Normalisation,
  type Split,
  type SplitOptions,
  splitDataset,
  subset,
} from "./data/index.ts";
// Errors
export { type ErrorCode, type ErrorOptions, EspalierError } from "./diagnostics/index.ts";
export { arenaHeader, type CSource, modelDataSource, opResolverHeader } from "./formats/c/index.ts";
// Formats
export { externalFiles, listOperators, type ReadOnnxOptions, readOnnx, writeOnnx } from "./formats/onnx/index.ts";
export { type ReadTfjsOptions, readTfjs, shardFiles } from "./formats/tfjs/index.ts";
export {
  decodeTflite,
  emitTflite,
  encodeTflite,
  type LoweringNote,
  type LowerOptions,
  lowerToTflite,
  type ReadTfliteOptions,
  readTflite,
  type TfliteModel,
  type WriteTfliteOptions,
  writeTflite,
} from "./formats/tflite/index.ts";
// Graphs: the IR, its text form, and the operator table
export {
  type Attribute,
  type Attributes,
  consumers,
  type Dim,
  type Graph,
  type GraphBuilder,
  hashGraph,
  type Node,
  type NodeOptions,
  type PrintOptions,
  parseGraph,
  printGraph,
  producers,
  type Shape,
  type TensorType,
  type Value,
  type ValueId,
  valueById,
} from "./ir/index.ts";
export {
  editGraph,
  IR_OPSET,
  inferTypes,
  isOpType,
  macsOf,
  newBuilder,
  OP_TYPES,
  type OpSpec,
  type OpType,
  specOf,
  validateGraph,
} from "./ops/index.ts";
export {
  channelsFirstInputs,
  deployPipeline,
  deploySteps,
  importPipeline,
  importSteps,
  PASSES,
  type PipelineStep,
  runPasses,
} from "./passes/index.ts";
// Pruning
export * from "./prune/index.ts";
// Quantisation
export {
  type CalibrationBatch,
  type CalibrationOptions,
  calibrate,
  MCU_SCHEME,
  MOBILE_SCHEME,
  type QuantizationAwareOptions,
  type QuantizationAwareResult,
  type QuantizationScheme,
  quantizationAwareTrain,
  quantizeGraph,
  type RangeMethod,
  type Ranges,
} from "./quantize/index.ts";
// Compliance report
export {
  type Artifact,
  buildReport,
  deterministicPart,
  type Evidence,
  fingerprint,
  judge,
  type Proof,
  parseReport,
  Report,
  ReportFacts,
  type Requirement,
  type RequirementFacts,
  renderHtml,
  renderJson,
  renderJUnit,
  renderMarkdown,
  renderSummary,
  reportJsonSchema,
  type Verdict,
  wilsonInterval,
} from "./report/index.ts";
// Rewriting: rules, passes, pipelines
export {
  bypass,
  definePass,
  type Pass,
  type Patch,
  type Rule,
  replaceBy,
  rule,
  type TraceEntry,
} from "./rewrite/index.ts";
// Runtimes
export {
  type ModelRunner,
  type OrtOptions,
  type OrtSession,
  openOnnxRunner,
  openOrt,
  openTfjsRunner,
  openTfliteRunner,
  type RunnerPort,
  runOnce,
  type Timing,
  type TimingOptions,
  timeInterleaved,
} from "./runtimes/index.ts";
export { type LiteRtSession, type LiteRtTensorInfo, loadLiteRt } from "./runtimes/litert.ts";
// Budget search
export {
  type Assignment,
  type Choice,
  type Constraint,
  type Costs,
  type Metric,
  paretoFront,
  priceCurve,
  priceOf,
  type SearchPoint,
  type SearchProblem,
  type SearchResult,
  solveBudget,
  type Witness,
} from "./search/index.ts";
// Tensors
export {
  allocate,
  bytesOf,
  DTYPES,
  type DType,
  dequantize,
  float32,
  fromBytes,
  fromHalfBits,
  fromNumbers,
  int64s,
  quantize,
  type Random,
  scalar,
  seededRandom,
  type Tensor,
  tensor,
  toFloat32,
  toHalfBits,
  toInts,
  toNumbers,
} from "./tensor/index.ts";
// Training
export {
  type AdamOptions,
  type AdamWOptions,
  type AdapterOptions,
  type Augment,
  addGradients,
  type Checkpoint,
  type CheckpointOptions,
  type Clip,
  type Distillation,
  decodeCheckpoint,
  type EpochRecord,
  type EvaluateOptions,
  type Evaluation,
  encodeCheckpoint,
  evaluate,
  type FeaturePair,
  type FisherOptions,
  fisherDiagonal,
  frozenByPatterns,
  initialised,
  type LossKind,
  type Optimiser,
  type OutputLoss,
  reestimateBatchNorm,
  type Schedule,
  type SgdOptions,
  shiftAndFlip,
  type TrainingData,
  type TrainOptions,
  type TrainResult,
  train,
  type Validation,
  type ValidationOptions,
  weightGradients,
} from "./train/index.ts";
