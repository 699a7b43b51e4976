import { evaluate } from "../../src/train/index.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { hashDataset } from "../data.ts";
import type { ImportedModel } from "./import.ts";

export interface AccuracyFigure {
  readonly accuracy: number;
  readonly loss: number;
  readonly n: number;
}

export interface Baseline {
  /** The original on the test split, in ONNX Runtime. */
  readonly test: AccuracyFigure;
  readonly heldOut: AccuracyFigure;
}

/** Accuracy of the model as it came. */
export async function baselineStage(context: RunContext, model: ImportedModel): Promise<Staged<Baseline>> {
  const { data } = context;
  return runStage(context, {
    name: "baseline",
    what: `accuracy of ${model.name} on ${data.test.length} test samples`,
    inputs: { model: model.sha256, data: [data.train, data.heldOut, data.test].map(hashDataset) },
    compute: async () => {
      const figure = async (split: typeof data.test): Promise<AccuracyFigure> => {
        const { accuracy, loss, n } = await evaluate(model.graph, split);
        return { accuracy, loss, n };
      };
      return { files: {}, json: { test: await figure(data.test), heldOut: await figure(data.heldOut) } };
    },
    summary: ({ test }) => `${(100 * test.accuracy).toFixed(2)} % accurate`,
  });
}
