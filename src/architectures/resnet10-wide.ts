import type { Graph } from "../ir/index.ts";
import { basicBlock } from "./basic-block.ts";
import { type ImageShape, layersFor } from "./layers.ts";

/** A ResNet-10 with the widths of ResNet-18 (He et al. 2016) behind a strided stem: 4.9 M parameters in layers wide enough for 2:4 sparsity. */
export function resnet10Wide(seed: number, image: ImageShape = [1, 28, 28], classes = 10): Graph {
  const { layers, input } = layersFor("resnet10_wide", image, seed);
  let x = layers.conv("stem", input, 64, { stride: 2 });
  [64, 128, 256, 512].forEach((channels, i) => {
    x = basicBlock(layers, `block${i + 1}`, x, channels, i === 0 ? 1 : 2);
  });
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
