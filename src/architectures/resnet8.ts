import type { Graph } from "../ir/index.ts";
import { basicBlock } from "./basic-block.ts";
import { type ImageShape, layersFor } from "./layers.ts";

/** MLPerf Tiny's ResNet-8 (image classification): a stem and three basic blocks of 16, 32 and 64 channels. */
export function resnet8(seed: number, image: ImageShape = [1, 28, 28], classes = 10): Graph {
  const { layers, input } = layersFor("resnet8", image, seed);
  let x = layers.conv("stem", input, 16);
  x = basicBlock(layers, "block1", x, 16, 1);
  x = basicBlock(layers, "block2", x, 32, 2);
  x = basicBlock(layers, "block3", x, 64, 2);
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
