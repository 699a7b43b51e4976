import type { Graph } from "../ir/index.ts";
import { type ImageShape, layersFor } from "./layers.ts";

/** DS-CNN after MLPerf Tiny's keyword spotting (Zhang et al. 2017): a strided stem and four depthwise-separable blocks of 64 channels. */
export function dsCnn(seed: number, image: ImageShape = [1, 28, 28], classes = 10): Graph {
  const { layers, input } = layersFor("ds_cnn", image, seed);
  let x = layers.conv("stem", input, 64, { kernel: 5, stride: 2 });
  for (let block = 1; block <= 4; block++) {
    x = layers.conv(`block${block}.depthwise`, x, 64, { depthwise: true });
    x = layers.conv(`block${block}.pointwise`, x, 64, { kernel: 1 });
  }
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
