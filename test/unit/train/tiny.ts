import { layersFor } from "../../../src/architectures/layers.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";

/** A classifier of 8x8 images in 4 classes: two convolutions with batch norm, one depthwise, pool and a fully connected layer. */
export function tinyClassifier(seed = 1, options: { softmax?: boolean } = {}): Graph {
  const { layers, input } = layersFor("tiny", [1, 8, 8], seed);
  let x = layers.conv("first", input, 8, { stride: 2 });
  x = layers.conv("second", x, 8, { depthwise: true, activation: "relu6" });
  x = layers.conv("third", x, 12, { kernel: 1 });
  const logits = layers.classifier(x, 4);
  layers.builder.output(options.softmax === true ? layers.builder.node("Softmax", [logits], { axis: -1 }) : logits);
  return layers.builder.build();
}

/** Noisy stripes: the class is the direction (rows or columns) and the side on which they are bright. */
export function stripes(length: number, seed = 3): TrainingData {
  const random = seededRandom(seed, "stripes");
  const labels = Int32Array.from({ length }, (_, i) => i % 4);
  const samples = new Float32Array(length * 64);
  for (let i = 0; i < length; i++)
    for (let k = 0; k < 64; k++) {
      const along = labels[i]! < 2 ? k >> 3 : k & 7;
      const bright = labels[i]! % 2 === 0 ? along < 4 : along >= 4;
      samples[i * 64 + k] = (bright ? 1 : 0) + 0.3 * random.normal();
    }
  return {
    name: "stripes",
    sampleShape: [1, 8, 8],
    length,
    labels,
    batch: (indices) => {
      const out = new Float32Array(indices.length * 64);
      for (let i = 0; i < indices.length; i++)
        out.set(samples.subarray(indices[i]! * 64, indices[i]! * 64 + 64), i * 64);
      return float32([indices.length, 1, 8, 8], out);
    },
  };
}
