import { bytesOf, float32, seededRandom } from "../../src/tensor/index.ts";
import type { Specimen } from "./attempt.ts";

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Seeded weights in one shard, and the manifest that describes them. */
function weights(specs: readonly WeightSpec[], label: string): { manifest: unknown; files: Map<string, Uint8Array> } {
  const random = seededRandom(3, label);
  const parts = specs.map(({ shape }) =>
    bytesOf(
      float32(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      ),
    ),
  );
  const manifest = [{ paths: ["group1-shard1of1.bin"], weights: specs.map((spec) => ({ ...spec, dtype: "float32" })) }];
  return { manifest, files: new Map([["group1-shard1of1.bin", Buffer.concat(parts)]]) };
}

function specimen(name: string, model: Record<string, unknown>, specs: readonly WeightSpec[]): Specimen {
  const { manifest, files } = weights(specs, name);
  const bytes = new TextEncoder().encode(JSON.stringify({ ...model, weightsManifest: manifest }));
  return { name, format: "tfjs", bytes, files };
}

const float = { dtype: { type: "DT_FLOAT" }, T: { type: "DT_FLOAT" } };
const dims = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } });
const list = (...values: number[]) => ({ list: { i: values.map(String) } });

/** A convolution, a pool and a dense layer as a GraphModel. */
function graphModel(): Specimen {
  const constant = (name: string) => ({ name, op: "Const", attr: float });
  const node = [
    { name: "x", op: "Placeholder", attr: { ...float, shape: dims(-1, 8, 8, 3) } },
    constant("kernel"),
    constant("bias"),
    constant("dense"),
    { name: "axes", op: "Const", attr: { dtype: { type: "DT_INT32" } } },
    {
      name: "conv",
      op: "Conv2D",
      input: ["x", "kernel"],
      attr: {
        ...float,
        strides: list(1, 2, 2, 1),
        dilations: list(1, 1, 1, 1),
        padding: { s: Buffer.from("SAME").toString("base64") },
        data_format: { s: Buffer.from("NHWC").toString("base64") },
      },
    },
    { name: "biased", op: "BiasAdd", input: ["conv", "bias"], attr: float },
    { name: "relu", op: "Relu", input: ["biased"], attr: float },
    { name: "mean", op: "Mean", input: ["relu", "axes"], attr: { ...float, keep_dims: { b: false } } },
    {
      name: "logits",
      op: "MatMul",
      input: ["mean", "dense"],
      attr: { ...float, transpose_a: { b: false }, transpose_b: { b: false } },
    },
    { name: "y", op: "Softmax", input: ["logits"], attr: float },
  ];
  const specs = [
    { name: "kernel", shape: [3, 3, 3, 4] },
    { name: "bias", shape: [4] },
    { name: "dense", shape: [4, 5] },
  ];
  const model = specimen(
    "graph-model.json",
    { format: "graph-model", modelTopology: { node, versions: { producer: 1 } } },
    specs,
  );
  // The axes of the mean are integers: a weight of another dtype.
  const json = JSON.parse(new TextDecoder().decode(model.bytes)) as { weightsManifest: { weights: unknown[] }[] };
  json.weightsManifest[0]!.weights.push({ name: "axes", shape: [2], dtype: "int32" });
  const shard = Buffer.concat([...model.files.values(), Buffer.from(Int32Array.of(1, 2).buffer)]);
  return {
    ...model,
    bytes: new TextEncoder().encode(JSON.stringify(json)),
    files: new Map([["group1-shard1of1.bin", shard]]),
  };
}

/** The same in Keras layers, with a residual connection. */
function layersModel(): Specimen {
  const layer = (class_name: string, name: string, config: object, ...inputs: string[]) => ({
    class_name,
    name,
    config: { name, trainable: true, ...config },
    inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
  });
  const conv = {
    filters: 3,
    kernel_size: [3, 3],
    strides: [1, 1],
    padding: "same",
    data_format: "channels_last",
    dilation_rate: [1, 1],
    activation: "relu",
    use_bias: true,
  };
  const layers = [
    layer("InputLayer", "x", { batch_input_shape: [null, 6, 6, 3], dtype: "float32", sparse: false }),
    layer("Conv2D", "conv", conv, "x"),
    layer("Add", "sum", {}, "conv", "x"),
    layer("GlobalAveragePooling2D", "pool", { data_format: "channels_last" }, "sum"),
    layer("Dense", "dense", { units: 4, activation: "softmax", use_bias: true }, "pool"),
  ];
  const config = { name: "model", layers, input_layers: [["x", 0, 0]], output_layers: [["dense", 0, 0]] };
  const modelTopology = {
    keras_version: "2.2.4",
    backend: "tensorflow",
    model_config: { class_name: "Model", config },
  };
  return specimen("layers-model.json", { format: "layers-model", modelTopology }, [
    { name: "conv/kernel", shape: [3, 3, 3, 3] },
    { name: "conv/bias", shape: [3] },
    { name: "dense/kernel", shape: [3, 4] },
    { name: "dense/bias", shape: [4] },
  ]);
}

/** Small TensorFlow.js models, written as the converter writes them. */
export function tfjsSpecimens(): Specimen[] {
  return [graphModel(), layersModel()];
}
