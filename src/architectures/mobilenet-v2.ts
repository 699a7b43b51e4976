import type { Graph, ValueId } from "../ir/index.ts";
import { type ImageShape, type Layers, layersFor } from "./layers.ts";

/** Expand by `factor`, filter each channel, project; joined to the input where the shape stays (Sandler et al. 2018). */
function invertedResidual(
  layers: Layers,
  name: string,
  x: ValueId,
  channels: number,
  factor: number,
  stride: number,
): ValueId {
  const own = layers.builder.value(x).type.shape[1] as number;
  const wide = factor === 1 ? x : layers.conv(`${name}.expand`, x, own * factor, { kernel: 1, activation: "relu6" });
  const filtered = layers.conv(`${name}.depthwise`, wide, own * factor, {
    depthwise: true,
    stride,
    activation: "relu6",
  });
  const projected = layers.conv(`${name}.project`, filtered, channels, { kernel: 1, activation: "none" });
  return stride === 1 && own === channels ? layers.add(`${name}.add`, projected, x) : projected;
}

/** Rows of the network: expansion factor, channels, repeats, stride of the first. */
const ROWS = [
  [1, 16, 1, 1],
  [6, 24, 2, 1],
  [6, 32, 2, 2],
  [6, 64, 2, 2],
] as const;

/** A small MobileNetV2 for 28x28 images: seven inverted residuals behind a strided stem. */
export function mobilenetV2(seed: number, image: ImageShape = [1, 28, 28], classes = 10): Graph {
  const { layers, input } = layersFor("mobilenet_v2", image, seed);
  let x = layers.conv("stem", input, 16, { stride: 2, activation: "relu6" });
  let block = 0;
  for (const [factor, channels, repeats, stride] of ROWS)
    for (let i = 0; i < repeats; i++)
      x = invertedResidual(layers, `block${++block}`, x, channels, factor, i === 0 ? stride : 1);
  x = layers.conv("head", x, 256, { kernel: 1, activation: "relu6" });
  layers.builder.output(layers.classifier(x, classes));
  return layers.builder.build();
}
