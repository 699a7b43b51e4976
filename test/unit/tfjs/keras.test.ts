import { describe, expect, it } from "vitest";
import { readTfjs } from "../../../src/formats/tfjs/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { bytesOf, float32, permute, type Tensor, toNumbers } from "../../../src/tensor/index.ts";
import { encode, randomTensor } from "./tfjs-models.ts";

/** What Keras defines and TensorFlow.js 4.22.0 refuses or gets wrong: compared with its definition. */
async function run(
  layer: { class_name: string; config: object },
  shape: readonly number[],
  weights: Readonly<Record<string, Tensor>>,
  x: Tensor,
): Promise<Tensor> {
  const config = { ...layer.config, name: "l", batch_input_shape: [null, ...shape] };
  const specs = Object.entries(weights).map(([name, t]) => ({ name: `l/${name}`, shape: t.shape, dtype: "float32" }));
  const json = encode({
    modelTopology: { class_name: "Sequential", config: { layers: [{ class_name: layer.class_name, config }] } },
    weightsManifest: [{ paths: ["w"], weights: specs }],
  });
  const bytes = Buffer.concat(Object.values(weights).map((t) => bytesOf(t)));
  const results = await runOnce(readTfjs(json, { files: new Map([["w", new Uint8Array(bytes)]]) }), { l_input: x });
  return results.l!;
}

const near = (got: Tensor, wanted: readonly number[]) => {
  expect(got.data.length).toBe(wanted.length);
  for (const [i, value] of toNumbers(got).entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
};

describe("layers by their definition in Keras", () => {
  it("pads a causal convolution before the sequence", async () => {
    const layer = {
      class_name: "Conv1D",
      config: { filters: 1, kernel_size: [2], padding: "causal", dilation_rate: [2], use_bias: false },
    };
    const x = float32([1, 5, 1], [1, 2, 3, 4, 5]);
    near(await run(layer, [5, 1], { kernel: float32([2, 1, 1], [10, 1]) }, x), [1, 2, 13, 24, 35]);
  });

  it("normalises over an axis that is not the last", async () => {
    const x = randomTensor("float32", [2, 2, 3], "x");
    const weights = {
      gamma: float32([2], [2, 3]),
      beta: float32([2], [0.5, -1]),
      moving_mean: float32([2], [0.1, 0.2]),
      moving_variance: float32([2], [1, 4]),
    };
    const y = await run({ class_name: "BatchNormalization", config: { axis: [1], epsilon: 0 } }, [2, 3], weights, x);
    const formula = (v: number, c: number) => (c === 0 ? 2 * (v - 0.1) + 0.5 : (3 * (v - 0.2)) / 2 - 1);
    near(
      y,
      [...toNumbers(x)].map((v, i) => formula(v, Math.floor(i / 3) % 2)),
    );
  });

  it.each(["Conv2D", "MaxPooling2D", "Conv2DTranspose"])("reads %s channels first", async (class_name) => {
    const x = randomTensor("float32", [2, 5, 6, 3], class_name);
    const shape = class_name === "Conv2D" ? [3, 3, 3, 4] : [3, 3, 4, 3];
    const weights: Record<string, Tensor> =
      class_name === "MaxPooling2D"
        ? {}
        : { kernel: randomTensor("float32", shape, "k"), bias: float32([4], [1, 2, 3, 4]) };
    const config = { padding: "same", strides: [2, 2], pool_size: [2, 2] };
    const last = await run({ class_name, config }, [5, 6, 3], weights, x);
    const first = await run(
      { class_name, config: { ...config, data_format: "channels_first" } },
      [3, 5, 6],
      weights,
      permute(x, [0, 3, 1, 2]),
    );
    near(permute(first, [0, 2, 3, 1]), [...toNumbers(last)]);
  });

  it("takes a slope, a threshold and a maximum in ReLU", async () => {
    const config = { negative_slope: 0.5, threshold: 1, max_value: 3 };
    const x = float32([1, 5], [-1, 0.5, 1, 2, 4]);
    near(await run({ class_name: "ReLU", config }, [5], {}, x), [-1, -0.25, 1, 2, 3]);
  });

  it("resets after the product in a GRU that says so", async () => {
    const one = (...values: number[]) => float32([1, 3], values);
    const weights = {
      kernel: one(0.5, -0.3, 0.8),
      recurrent_kernel: one(0.2, 0.4, -0.6),
      bias: float32([2, 3], [0.1, 0.2, 0.3, -0.1, 0.05, 0.4]),
    };
    const config = { units: 1, reset_after: true, activation: "tanh", recurrent_activation: "sigmoid" };
    const steps = [0.7, -1.2];
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    let h = 0;
    for (const x of steps) {
      const z = sigmoid(0.5 * x + 0.1 + 0.2 * h - 0.1);
      const r = sigmoid(-0.3 * x + 0.2 + 0.4 * h + 0.05);
      const candidate = Math.tanh(0.8 * x + 0.3 + r * (-0.6 * h + 0.4));
      h = z * h + (1 - z) * candidate;
    }
    near(await run({ class_name: "GRU", config }, [2, 1], weights, float32([1, 2, 1], steps)), [h]);
  });
});
