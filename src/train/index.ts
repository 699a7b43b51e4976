export type { AdapterOptions } from "./adapters.ts";
export { type Augment, type ShiftAndFlipOptions, shiftAndFlip } from "./augment.ts";
export { addGradients, type Composite, type GradientOptions } from "./autodiff.ts";
export { bindBatch } from "./bind-batch.ts";
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
export type { Clip } from "./clip-gradients.ts";
export { type EvaluateOptions, type Evaluation, evaluate, scoresOf } from "./evaluate.ts";
export {
  addFakeQuantize,
  addLearnedStep,
  fakeQuantizeComposites,
  type LearnedStep,
  type Levels,
  stepAfter,
} from "./fake-quantize.ts";
export type { FeaturePair } from "./feature-distillation.ts";
export { type FisherOptions, fisherDiagonal } from "./fisher.ts";
export { frozenByPatterns } from "./freeze.ts";
export { checkFit, checkLabels, checkSampleShape, type Head, headOf } from "./head.ts";
export { initialised } from "./initialise.ts";
export {
  addBinaryCrossEntropy,
  addCrossEntropy,
  addDistillation,
  addHuber,
  addMeanAbsoluteError,
  addMeanSquaredError,
  type Distillation,
  smoothedTargets,
} from "./losses.ts";
export type { LossKind, OutputLoss } from "./objective.ts";
export type { AdamOptions, AdamWOptions, Optimiser, SgdOptions } from "./optimisers.ts";
export type { Parameter } from "./parameters.ts";
export type { Penalty, PenaltySources } from "./penalties.ts";
export { type Plan, planOf } from "./plan.ts";
export type { Metric } from "./plateau.ts";
export { type ReestimateOptions, reestimateBatchNorm } from "./reestimate.ts";
export { rateAt, type Schedule } from "./schedules.ts";
export type { OptimiserMemory, Segment } from "./segment.ts";
export type { StepInput } from "./step-inputs.ts";
export { openStepper, type Stepper } from "./stepper.ts";
export type {
  CheckpointOptions,
  EpochRecord,
  Progress,
  TrainOptions,
  TrainResult,
  ValidationOptions,
} from "./train-options.ts";
export { type TrainableConstant, trainableConstants, trainables } from "./trainables.ts";
export { train } from "./trainer.ts";
export type { TrainingData } from "./training-data.ts";
export { type StateTensor, type TrainingGraph, type TrainingGraphOptions, trainingGraph } from "./training-graph.ts";
export { memoryOf, type TrainingMemory, trainingMemory } from "./training-memory.ts";
export type { Validation } from "./validation.ts";
export { type WeightGradientOptions, weightGradients } from "./weight-gradients.ts";
