import type { Graph } from "../ir/index.ts";
import { staticShape } from "../ir/index.ts";
import { editGraph, formula } from "../ops/index.ts";
import { writeBlocked } from "../runtimes/blocked-convolutions.ts";
import { blockSize } from "../runtimes/blocked-layout.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import { addGradients } from "./autodiff.ts";
import { bindTrainingBatch } from "./bind-batch.ts";
import { checkFit, headOf } from "./head.ts";
import { addCrossEntropy, smoothedTargets } from "./losses.ts";
import { sessionOptions } from "./session-options.ts";
import { trainableConstants } from "./trainables.ts";
import type { TrainingData } from "./training-data.ts";

/** Gradients of a classifier's loss, loaded in ONNX Runtime. Close it when done. */
export interface GradientSession {
  /** The weights that the loss depends on, in graph order. */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The gradient of the mean cross-entropy with the labels of these samples (as many as the batch), by weight name. */
  gradients(indices: Int32Array): Promise<Map<string, Float32Array>>;
  close(): Promise<void>;
}

/** Batch normalisations keep their inference form: the gradient is that of the deployed function. Refuses data that do not fit the classifier. */
export async function openGradients(
  graph: Graph,
  data: TrainingData,
  batch: number,
  threads?: number,
): Promise<GradientSession> {
  const head = headOf(graph);
  checkFit(graph, head, data);
  const builder = editGraph(bindTrainingBatch(graph, batch));
  const f = formula(builder, "loss");
  const logits = f.shape(head.logits).length === 2 ? head.logits : f.reshape(head.logits, [batch, head.classes]);
  const target = builder.input("target", { dtype: "float32", shape: [batch, head.classes] });
  const wanted = trainableConstants(graph);
  const found = addGradients(builder, addCrossEntropy(f, logits, target), wanted);
  const outputs = wanted.flatMap((weight, i) => {
    if (found[i] === null) return [];
    const { name, type } = builder.value(weight);
    return [{ name, shape: staticShape(type.shape), id: found[i]! }];
  });
  // Two weights that are added to each other share one gradient.
  builder.setOutputs([...new Set(outputs.map(({ id }) => id))]);
  const places = outputs.map(({ name, id }) => ({ name, output: builder.value(id).name }));
  const [samplesName, targetName] = [graph.inputs[0]!, target].map((id) => builder.value(id).name) as [string, string];
  const session = await openOrt(writeBlocked(builder.build(), await blockSize()), sessionOptions(threads));
  return {
    weights: outputs.map(({ name, shape }) => ({ name, shape })),
    gradients: async (indices) => {
      const labels = indices.map((index) => data.labels[index]!);
      const results = await session.run({
        [samplesName]: data.batch(indices),
        [targetName]: smoothedTargets(labels, head.classes, 0),
      });
      return new Map(places.map(({ name, output }) => [name, results[output]!.data as Float32Array]));
    },
    close: () => session.close(),
  };
}
