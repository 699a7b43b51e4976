import type { Graph } from "../ir/index.ts";
import { basicBlock } from "./basic-block.ts";
import { type ImageShape, layersFor } from "./layers.ts";

/** ResNet-18 (He et al. 2016) with the stem for small images: a 3x3 convolution of stride 1 and no pooling. */
export function resnet18(seed: number, image: ImageShape = [3, 32, 32], classes = 10, width = 64): Graph {
  const { layers, input } = layersFor("resnet18", image, seed);
  let x = layers.conv("stem", input, width);
  for (let stage = 0; stage < 4; stage++)
    for (let i = 0; i < 2; i++)
      x = basicBlock(layers, `stage${stage + 1}.block${i + 1}`, x, width * 2 ** stage, i === 0 && stage > 0 ? 2 : 1);
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
