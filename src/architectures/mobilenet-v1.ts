import type { Graph } from "../ir/index.ts";
import { type ImageShape, layersFor } from "./layers.ts";

/** Output channels at width 1 and stride of each depthwise-separable block (Howard et al. 2017, table 1). */
const BLOCKS = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const;

/** MobileNetV1 with a width multiplier; at 0.25 and 96 x 96 it is MLPerf Tiny's person detector. */
export function mobilenetV1(seed: number, image: ImageShape = [3, 96, 96], classes = 2, width = 0.25): Graph {
  const { layers, input } = layersFor("mobilenet_v1", image, seed);
  const channels = (count: number) => Math.max(8, Math.round((count * width) / 8) * 8);
  let x = layers.conv("stem", input, channels(32), { stride: 2 });
  BLOCKS.forEach(([count, stride], i) => {
    x = layers.conv(`block${i + 1}.depthwise`, x, layers.builder.value(x).type.shape[1] as number, {
      depthwise: true,
      stride,
    });
    x = layers.conv(`block${i + 1}.pointwise`, x, channels(count), { kernel: 1 });
  });
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
