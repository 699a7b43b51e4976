export { type Augment, type ShiftAndFlipOptions, shiftAndFlip } from "./augment.ts";
export { addGradients, type Composite, type GradientOptions } from "./autodiff.ts";
export { type EvaluateOptions, type Evaluation, evaluate, scoresOf } from "./evaluate.ts";
export { checkFit, type Head, headOf } from "./head.ts";
export { addCrossEntropy, addDistillation, type Distillation, smoothedTargets } from "./losses.ts";
export type { AdamWOptions, Optimiser, SgdOptions } from "./optimisers.ts";
export { trainableConstants } from "./parameters.ts";
export { type ReestimateOptions, reestimateBatchNorm } from "./reestimate.ts";
export { rateAt, type Schedule } from "./schedules.ts";
export { openStepper, type Stepper } from "./stepper.ts";
export {
  type EpochRecord,
  type Progress,
  type TrainingData,
  type TrainOptions,
  type TrainResult,
  train,
} from "./trainer.ts";
export {
  bindBatch,
  type StateTensor,
  type TrainingGraph,
  type TrainingGraphOptions,
  trainingGraph,
} from "./training-graph.ts";
export { type WeightGradientOptions, weightGradients } from "./weight-gradients.ts";
