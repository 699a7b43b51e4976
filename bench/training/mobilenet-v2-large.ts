import { type ImageShape, layersFor } from "../../src/architectures/layers.ts";
import type { Graph } from "../../src/ir/index.ts";

/** Expansion, channels, repeats and first stride of each row (Sandler et al. 2018, table 2). */
const ROWS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** MobileNetV2 of width 1 for 224 x 224 images: 3.5 M weights, 0.3 G MACs. */
export function mobilenetV2Large(seed: number, image: ImageShape = [3, 224, 224], classes = 1000): Graph {
  const { layers, input } = layersFor("mobilenet_v2_large", image, seed);
  let x = layers.conv("stem", input, 32, { stride: 2, activation: "relu6" });
  let [block, own] = [0, 32];
  for (const [factor, channels, repeats, first] of ROWS)
    for (let i = 0; i < repeats; i++) {
      const name = `block${++block}`;
      const stride = i === 0 ? first : 1;
      const wide =
        factor === 1 ? x : layers.conv(`${name}.expand`, x, own * factor, { kernel: 1, activation: "relu6" });
      const options = { depthwise: true, stride, activation: "relu6" } as const;
      const filtered = layers.conv(`${name}.depthwise`, wide, own * factor, options);
      const projected = layers.conv(`${name}.project`, filtered, channels, { kernel: 1, activation: "none" });
      x = stride === 1 && own === channels ? layers.add(`${name}.add`, projected, x) : projected;
      own = channels;
    }
  x = layers.conv("head", x, 1280, { kernel: 1, activation: "relu6" });
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
