export type {
  PruneCheckpointOptions,
  PrunePhase,
  PruneProgress,
  PruneRound,
  PruneTrainingOptions,
  PruneTrainingResult,
  PruneTrainSettings,
  PruningMethod,
} from "./options.ts";
export { PRUNING_METHODS, pruneWhileTraining } from "./prune-while-training.ts";
