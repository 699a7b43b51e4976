import type { Graph } from "../ir/index.ts";
import { editGraph, formula } from "../ops/index.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import { allocate, type Tensor, tensor } from "../tensor/index.ts";
import { addGradients } from "./autodiff.ts";
import { checkFit, headOf } from "./head.ts";
import { addCrossEntropy, smoothedTargets } from "./losses.ts";
import { trainableConstants } from "./parameters.ts";
import type { TrainingData } from "./training-data.ts";
import { bindBatch } from "./bind-batch.ts";

export interface WeightGradientOptions {
  /** Samples to average over, the first ones of the data; default 512, rounded down to whole batches. */
  readonly samples?: number;
  /** Default 64. */
  readonly batch?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Mean gradient of the cross-entropy with the labels, by weight name, over the first samples of the data. Batch normalisations keep their inference
 * form: the gradient is that of the deployed function. What the Taylor criteria read.
 */
export async function weightGradients(
  graph: Graph,
  data: TrainingData,
  options: WeightGradientOptions = {},
): Promise<Map<string, Tensor<"float32">>> {
  const head = headOf(graph);
  checkFit(graph, head, data);
  const batch = Math.min(options.batch ?? 64, data.length);
  const rounds = Math.max(1, Math.floor(Math.min(options.samples ?? 512, data.length) / batch));
  const builder = editGraph(bindBatch(graph, batch));
  const f = formula(builder, "loss");
  const logits = f.shape(head.logits).length === 2 ? head.logits : f.reshape(head.logits, [batch, head.classes]);
  const target = builder.input("target", { dtype: "float32", shape: [batch, head.classes] });
  const loss = addCrossEntropy(f, logits, target);
  const weights = trainableConstants(graph);
  const gradients = addGradients(builder, loss, weights);
  const outputs = weights.flatMap((weight, i) =>
    gradients[i] === null
      ? []
      : [
          {
            name: builder.value(weight).name,
            shape: builder.value(weight).type.shape as readonly number[],
            id: gradients[i]!,
          },
        ],
  );
  builder.setOutputs(outputs.map(({ id }) => id));
  const sums = new Map(
    outputs.map(({ name, shape }) => [
      name,
      tensor(
        "float32",
        shape,
        allocate(
          "float32",
          shape.reduce((a, b) => a * b, 1),
        ),
      ),
    ]),
  );
  const names = outputs.map(({ id }) => builder.value(id).name);
  const samplesName = builder.value(graph.inputs[0]!).name;
  const session = await openOrt(builder.build());
  try {
    for (let round = 0; round < rounds; round++) {
      const indices = Int32Array.from({ length: batch }, (_, i) => round * batch + i);
      const labels = Int32Array.from(indices, (i) => data.labels[i]!);
      const results = await session.run({
        [samplesName]: data.batch(indices),
        [builder.value(target).name]: smoothedTargets(labels, head.classes, 0),
      });
      outputs.forEach(({ name }, k) => {
        const sum = sums.get(name)!.data;
        const part = results[names[k]!]!.data as Float32Array;
        for (let i = 0; i < sum.length; i++) sum[i]! += part[i]! / rounds;
      });
      options.onProgress?.(round + 1, rounds);
    }
  } finally {
    await session.close();
  }
  return sums;
}
