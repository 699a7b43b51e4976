import type { GraphBuilder, ValueId } from "../ir/index.ts";
import { newBuilder } from "../ops/index.ts";
import { float32, type Random, seededRandom } from "../tensor/index.ts";

/** Channels, height and width of an image. */
export type ImageShape = readonly [number, number, number];

export interface ConvOptions {
  /** Side of the square kernel; default 3. */
  readonly kernel?: number;
  /** Default 1. */
  readonly stride?: number;
  /** One group a channel (the channel count then stays). */
  readonly depthwise?: boolean;
  /** Default "relu". */
  readonly activation?: "relu" | "relu6" | "none";
}

/** Builds a convolutional classifier layer by layer; weights are drawn from a stream per layer name. */
export interface Layers {
  readonly builder: GraphBuilder;
  /** Convolution (padded to keep the size, but for the stride; no bias), batch normalisation, activation. */
  conv(name: string, x: ValueId, channels: number, options?: ConvOptions): ValueId;
  add(name: string, a: ValueId, b: ValueId): ValueId;
  relu(name: string, x: ValueId): ValueId;
  /** Global average pool and a fully connected layer: logits [N, classes]. */
  classifier(x: ValueId, classes: number): ValueId;
}

/** He normal initialisation (He et al. 2015): variance 2 / fan-in. */
export function heNormal(random: Random, shape: readonly number[], fanIn: number): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const deviation = Math.sqrt(2 / fanIn);
  return Float32Array.from({ length: size }, () => random.normal() * deviation);
}

/** An empty classifier for images [N, C, H, W] called "input", and its layers. */
export function layersFor(name: string, image: ImageShape, seed: number): { layers: Layers; input: ValueId } {
  const builder = newBuilder(name);
  const input = builder.input("input", { dtype: "float32", shape: ["N", ...image] });
  const random = (label: string) => seededRandom(seed, `${name}/${label}`);
  const channelsOf = (id: ValueId) => builder.value(id).type.shape[1] as number;
  const constant = (label: string, shape: readonly number[], data: Float32Array) =>
    builder.constant(label, float32(shape, data));

  const batchNorm = (label: string, x: ValueId): ValueId => {
    const channels = channelsOf(x);
    const vector = (part: string, value: number) =>
      constant(`${label}.bn.${part}`, [channels], new Float32Array(channels).fill(value));
    const inputs = [x, vector("scale", 1), vector("bias", 0), vector("mean", 0), vector("var", 1)];
    return builder.node("BatchNormalization", inputs, { epsilon: 1e-5 }, { name: `${label}.bn` });
  };
  const relu = (label: string, x: ValueId) => builder.node("Relu", [x], {}, { name: `${label}.relu` });
  const relu6 = (label: string, x: ValueId) => {
    const bound = (part: string, value: number) => constant(`${label}.${part}`, [], new Float32Array([value]));
    return builder.node("Clip", [x, bound("min", 0), bound("max", 6)], {}, { name: `${label}.relu6` });
  };

  const layers: Layers = {
    builder,
    relu,
    add: (label, a, b) => builder.node("Add", [a, b], {}, { name: label }),
    conv: (label, x, channels, options = {}) => {
      const { kernel = 3, stride = 1, depthwise = false, activation = "relu" } = options;
      const group = depthwise ? channelsOf(x) : 1;
      const shape = [channels, channelsOf(x) / group, kernel, kernel];
      const fanIn = shape[1]! * kernel * kernel;
      const weight = constant(`${label}.weight`, shape, heNormal(random(label), shape, fanIn));
      const pad = (kernel - 1) / 2;
      const attrs = { group, kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
      const y = batchNorm(label, builder.node("Conv", [x, weight], attrs, { name: label }));
      if (activation === "none") return y;
      return activation === "relu" ? relu(label, y) : relu6(label, y);
    },
    classifier: (x, classes) => {
      const features = channelsOf(x);
      const pooled = builder.node("GlobalAveragePool", [x], {}, { name: "pool" });
      const flat = builder.node("Flatten", [pooled], { axis: 1 }, { name: "flatten" });
      const shape = [classes, features];
      const weight = constant("classifier.weight", shape, heNormal(random("classifier"), shape, 2 * features));
      const bias = constant("classifier.bias", [classes], new Float32Array(classes));
      return builder.node("Gemm", [flat, weight, bias], { transB: 1 }, { name: "classifier", outputNames: ["logits"] });
    },
  };
  return { layers, input };
}
