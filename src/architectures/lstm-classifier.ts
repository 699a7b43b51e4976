import type { Graph } from "../ir/index.ts";
import { int64s } from "../tensor/index.ts";
import { denseLayersFor } from "./dense.ts";
import type { ImageShape } from "./layers.ts";

/** One LSTM over the rows of an image (or the steps of a sequence [1, steps, features]), whose last state is classified. */
export function lstmClassifier(seed: number, image: ImageShape = [1, 28, 28], classes = 10, hidden = 64): Graph {
  const { layers, input } = denseLayersFor("lstm_classifier", image, seed);
  const { builder } = layers;
  const [channels, steps, columns] = image;
  const features = channels * columns;
  const rows = layers.reshape("rows", layers.transpose("rows.first", input, [0, 2, 1, 3]), [0, steps, features]);
  const sequence = layers.transpose("sequence", rows, [1, 0, 2]);
  // Variance 1 / fan-in; a forget gate that is open at first (Jozefowicz et al. 2015).
  const weights = [
    layers.weight("lstm.weight", [1, 4 * hidden, features], features, Math.SQRT1_2),
    layers.weight("lstm.recurrent", [1, 4 * hidden, hidden], hidden, Math.SQRT1_2),
  ];
  const bias = layers.filled("lstm.bias", [1, 8 * hidden], 0);
  const data = builder.value(bias).data!.data as Float32Array;
  data.fill(1, 2 * hidden, 3 * hidden);
  const [, last] = builder.nodes(
    "LSTM",
    [sequence, ...weights, bias],
    { hidden_size: hidden },
    { name: "lstm", outputs: 2 },
  );
  const axes = builder.constant("state.axes", int64s([0]));
  const state = builder.node("Squeeze", [last!, axes], {}, { name: "state" });
  builder.output(layers.classifier(state, classes));
  return builder.build();
}
