import type { GraphBuilder, ValueId } from "../ir/index.ts";
import { newBuilder } from "../ops/index.ts";
import { float32, int64s, seededRandom } from "../tensor/index.ts";
import { heNormal, type ImageShape } from "./layers.ts";

/** Layers over the last axis; weights are drawn from a stream per layer name. */
export interface DenseLayers {
  readonly builder: GraphBuilder;
  /** Normal values of variance 2 / fan-in times `gain`, in the stream of their name. */
  weight(name: string, shape: readonly number[], fanIn: number, gain?: number): ValueId;
  filled(name: string, shape: readonly number[], value: number): ValueId;
  /** x W + b over the last axis, as MatMul and Add. */
  linear(name: string, x: ValueId, outputs: number): ValueId;
  layerNorm(name: string, x: ValueId): ValueId;
  /** A 0 keeps the size of its axis, as in ONNX. */
  reshape(name: string, x: ValueId, shape: readonly number[]): ValueId;
  transpose(name: string, x: ValueId, perm: readonly number[]): ValueId;
  /** Fully connected on [N, features]: logits [N, classes]. */
  classifier(x: ValueId, classes: number): ValueId;
}

/** An empty classifier for images [N, C, H, W] called "input", and layers without convolutions. */
export function denseLayersFor(name: string, image: ImageShape, seed: number): { layers: DenseLayers; input: ValueId } {
  const builder = newBuilder(name);
  const input = builder.input("input", { dtype: "float32", shape: ["N", ...image] });
  const lastOf = (x: ValueId) => builder.value(x).type.shape.at(-1) as number;
  const weight: DenseLayers["weight"] = (label, shape, fanIn, gain = 1) => {
    const values = heNormal(seededRandom(seed, `${name}/${label}`), shape, fanIn / gain ** 2);
    return builder.constant(label, float32(shape, values));
  };
  const filled: DenseLayers["filled"] = (label, shape, value) =>
    builder.constant(label, float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value)));
  const layers: DenseLayers = {
    builder,
    weight,
    filled,
    linear: (label, x, outputs) => {
      const inputs = lastOf(x);
      // Variance 1 / fan-in: no rectifier follows that would halve it.
      const product = builder.node(
        "MatMul",
        [x, weight(`${label}.weight`, [inputs, outputs], inputs, Math.SQRT1_2)],
        {},
        { name: label },
      );
      return builder.node("Add", [product, filled(`${label}.bias`, [outputs], 0)], {}, { name: `${label}.add` });
    },
    layerNorm: (label, x) => {
      const scale = filled(`${label}.scale`, [lastOf(x)], 1);
      const bias = filled(`${label}.bias`, [lastOf(x)], 0);
      return builder.node("LayerNormalization", [x, scale, bias], { axis: -1, epsilon: 1e-6 }, { name: label });
    },
    reshape: (label, x, shape) =>
      builder.node("Reshape", [x, builder.constant(`${label}.shape`, int64s(shape))], {}, { name: label }),
    transpose: (label, x, perm) => builder.node("Transpose", [x], { perm }, { name: label }),
    classifier: (x, classes) => {
      const shape = [classes, lastOf(x)];
      const inputs = [x, weight("classifier.weight", shape, 2 * shape[1]!), filled("classifier.bias", [classes], 0)];
      return builder.node("Gemm", inputs, { transB: 1 }, { name: "classifier", outputNames: ["logits"] });
    },
  };
  return { layers, input };
}
