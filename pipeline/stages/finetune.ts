import type { Graph } from "../../src/ir/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate, shiftAndFlip, type TrainOptions, train } from "../../src/train/index.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { graphFiles } from "../graph-file.ts";
import type { ImportedModel } from "./import.ts";

export interface Tuned {
  readonly steps: number;
  /** Held-out accuracy before and after. */
  readonly before: number;
  readonly after: number;
  /** False when training made it no better and the weights that came in were kept. */
  readonly kept: boolean;
}

export interface TuneRequest {
  readonly name: "finetune" | "sparse-tune";
  readonly what: string;
  /** Key of the stage that made the graph. */
  readonly from: string;
  readonly graph: Graph;
  readonly epochs: number;
  readonly masks?: ReadonlyMap<string, Tensor>;
}

/** The options of a fine-tuning run: distilled from the original model, cosine to zero, the same for every target but for its settings. */
function recoveryOptions(context: RunContext, model: ImportedModel, request: TuneRequest): TrainOptions {
  const { recovery } = context.config.target;
  return {
    epochs: request.epochs,
    batch: recovery.batch,
    seed: context.config.seed,
    schedule: { kind: "cosine", rate: recovery.learningRate, warmUp: 0.05 },
    teacher: { graph: model.graph, weight: recovery.distillation, temperature: recovery.temperature },
    augment: shiftAndFlip({ shift: 1, flip: false }),
    signal: context.signal,
    ...(request.masks === undefined ? {} : { masks: request.masks }),
    onProgress: ({ step, steps, loss }) => context.progress.step(step, steps, `loss ${loss.toFixed(3)}`),
  };
}

/** Fine-tunes a graph; keeps what came in when the held-out accuracy is no better afterwards. */
export async function tuneStage(
  context: RunContext,
  model: ImportedModel,
  request: TuneRequest,
): Promise<Staged<Tuned>> {
  const { data, config } = context;
  return runStage(context, {
    name: request.name,
    what: request.what,
    inputs: { from: request.from, epochs: request.epochs, recovery: config.target.recovery, seed: config.seed },
    compute: async () => {
      const before = (await evaluate(request.graph, data.heldOut)).accuracy;
      if (request.epochs === 0)
        return { files: graphFiles(request.graph), json: { steps: 0, before, after: before, kept: false } };
      const { graph, history } = await train(request.graph, data.train, recoveryOptions(context, model, request));
      const after = (await evaluate(graph, data.heldOut)).accuracy;
      const kept = after >= before;
      const steps = history.reduce((sum, epoch) => sum + epoch.steps, 0);
      return {
        files: graphFiles(kept ? graph : request.graph),
        json: { steps, before, after: kept ? after : before, kept },
      };
    },
    summary: ({ before, after, steps }) =>
      `${(100 * before).toFixed(2)} -> ${(100 * after).toFixed(2)} % (held-out) in ${steps} steps`,
  });
}
