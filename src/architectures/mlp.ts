import type { Graph } from "../ir/index.ts";
import { denseLayersFor } from "./dense.ts";
import type { ImageShape } from "./layers.ts";

/** Fully connected layers with rectifiers on the flattened image. */
export function mlp(
  seed: number,
  image: ImageShape = [1, 28, 28],
  classes = 10,
  hidden: readonly number[] = [256, 128],
): Graph {
  const { layers, input } = denseLayersFor("mlp", image, seed);
  const { builder, weight, filled } = layers;
  let x = builder.node("Flatten", [input], { axis: 1 }, { name: "flatten" });
  hidden.forEach((width, i) => {
    const name = `fc${i + 1}`;
    const inputs = builder.value(x).type.shape[1] as number;
    const operands = [x, weight(`${name}.weight`, [width, inputs], inputs), filled(`${name}.bias`, [width], 0)];
    const y = builder.node("Gemm", operands, { transB: 1 }, { name });
    x = builder.node("Relu", [y], {}, { name: `${name}.relu` });
  });
  builder.output(layers.classifier(x, classes));
  return builder.build();
}
