import { activationMean } from "./activation-mean.ts";
import { activationNorm } from "./activation-norm.ts";
import { activationVariance } from "./activation-variance.ts";
import { apoz } from "./apoz.ts";
import { attentionEntropy } from "./attention-entropy.ts";
import { bnScale } from "./bn-scale.ts";
import { correlation } from "./correlation.ts";
import { cosine } from "./cosine.ts";
import type { Criterion } from "./criterion.ts";
import { fpgm } from "./fpgm.ts";
import { groupFisher } from "./group-fisher.ts";
import { hrank } from "./hrank.ts";
import { l1 } from "./l1.ts";
import { l2 } from "./l2.ts";
import { linf } from "./linf.ts";
import { movement } from "./movement.ts";
import { mutualInformation } from "./mutual-information.ts";
import { obd } from "./obd.ts";
import { obs } from "./obs.ts";
import { pca } from "./pca.ts";
import { random } from "./random.ts";
import { snip } from "./snip.ts";
import { taylor } from "./taylor.ts";
import { taylorActivation } from "./taylor-activation.ts";
import { thinet } from "./thinet.ts";
import { wanda } from "./wanda.ts";

export type {
  Accumulator,
  ActivationCriterion,
  Consumer,
  Criterion,
  CriterionNeeds,
  DrawCriterion,
  ElementCriterion,
  JointCriterion,
  ObservedBatch,
  SampleCriterion,
  Site,
  VectorCriterion,
} from "./criterion.ts";

/** Every criterion by name. */
export const CRITERIA = {
  l1,
  l2,
  linf,
  "bn-scale": bnScale,
  fpgm,
  cosine,
  taylor,
  snip,
  movement,
  obd,
  obs,
  "taylor-activation": taylorActivation,
  "group-fisher": groupFisher,
  apoz,
  "activation-mean": activationMean,
  "activation-variance": activationVariance,
  "activation-norm": activationNorm,
  correlation,
  pca,
  hrank,
  "mutual-information": mutualInformation,
  wanda,
  thinet,
  "attention-entropy": attentionEntropy,
  random,
} as const satisfies Record<string, Criterion>;

/** The name of a criterion. */
export type CriterionName = keyof typeof CRITERIA;
