/** Models of a few operators for the tests of commands: one convolution, and its forms. */
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { writeTflite } from "../../../src/formats/tflite/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { float32, seededRandom } from "../../../src/tensor/index.ts";

function weights(shape: readonly number[], label: string) {
  const random = seededRandom(7, label);
  return float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.next() - 0.5),
  );
}

/** Convolution 3 -> 4, ReLU, global average, 4 -> 10, softmax, on images of 8 x 8. */
export function classifier(batch: number | string = 1): Graph {
  const builder = newBuilder("small");
  const x = builder.input("image", { dtype: "float32", shape: [batch, 3, 8, 8] });
  const w = builder.constant("w", weights([4, 3, 3, 3], "w"));
  const conv = builder.node("Conv", [x, w], { pads: [1, 1, 1, 1] }, { name: "conv" });
  const relu = builder.node("Relu", [conv], {}, { name: "relu" });
  const mean = builder.node("GlobalAveragePool", [relu], {}, { name: "mean" });
  const flat = builder.node("Flatten", [mean], {}, { name: "flat" });
  const dense = builder.node("Gemm", [flat, builder.constant("v", weights([4, 10], "v"))], {}, { name: "dense" });
  builder.output(builder.node("Softmax", [dense], {}, { name: "probabilities", outputNames: ["scores"] }));
  return builder.build();
}

/** A comparison, which no gradient passes and a float model rarely ends with. */
export function twoInputs(): Graph {
  const builder = newBuilder("two");
  const [a, b] = ["a", "b"].map((name) => builder.input(name, { dtype: "float32", shape: [1, 4] }));
  builder.output(builder.node("Add", [a!, b!], {}, { name: "sum", outputNames: ["sum"] }));
  return builder.build();
}

export const classifierOnnx = () => writeOnnx(classifier());
export const classifierTflite = () => writeTflite(classifier(), { name: "small" });
