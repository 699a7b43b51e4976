import type { ValueId } from "../ir/index.ts";
import type { Layers } from "./layers.ts";

/** Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes (He et al. 2016). */
export function basicBlock(layers: Layers, name: string, x: ValueId, channels: number, stride: number): ValueId {
  const first = layers.conv(`${name}.conv1`, x, channels, { stride });
  const second = layers.conv(`${name}.conv2`, first, channels, { activation: "none" });
  const same = stride === 1 && layers.builder.value(x).type.shape[1] === channels;
  const shortcut = same ? x : layers.conv(`${name}.shortcut`, x, channels, { kernel: 1, stride, activation: "none" });
  return layers.relu(name, layers.add(`${name}.add`, second, shortcut));
}
