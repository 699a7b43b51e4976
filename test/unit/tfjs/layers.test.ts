import * as tf from "@tensorflow/tfjs-core";
import { input, type LayersModel, layers, model, type SymbolicTensor, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { TFJS_READ } from "../../../src/formats/tfjs/index.ts";
import { tfjsEngine } from "../../../src/runtimes/tfjs/engine.ts";
import { expectAgreement, randomTensor, saveLayers } from "./tfjs-models.ts";

type Build = (x: SymbolicTensor) => SymbolicTensor | SymbolicTensor[];

/** A model of one input; agreement on a batch of 2. */
async function agrees(name: string, shape: readonly number[], build: Build): Promise<void> {
  const x = input({ shape: [...shape], name: "x" });
  await agreesOn(name, model({ inputs: x, outputs: build(x) }));
}

async function agreesOn(name: string, built: LayersModel, low = -1, high = 1): Promise<void> {
  const saved = await saveLayers(built, name);
  const feeds = Object.fromEntries(
    built.inputs.map((own, i) => {
      const shape = own.shape.map((size) => size ?? 2);
      return [built.inputNames[i]!, randomTensor("float32", shape, `${name}/${i}`, low, high)];
    }),
  );
  const graph = await expectAgreement(saved, feeds);
  expect(graph.inputs.map((id) => graph.values.get(id)!.type.shape[0])).toEqual(built.inputs.map(() => "N"));
}

const apply = (layer: { apply: (x: SymbolicTensor) => unknown }) => (x: SymbolicTensor) =>
  layer.apply(x) as SymbolicTensor;

const cases: Record<string, readonly [readonly number[], () => Build]> = {
  "Dense of rank 2, relu": [[5], () => apply(layers.dense({ units: 3, activation: "relu" }))],
  "Dense of rank 3, no bias": [[4, 5], () => apply(layers.dense({ units: 3, useBias: false }))],
  "Conv1D dilated": [
    [9, 3],
    () => apply(layers.conv1d({ filters: 4, kernelSize: 3, padding: "same", dilationRate: 2 })),
  ],
  "Conv2D same, stride 2": [
    [7, 8, 3],
    () => apply(layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" })),
  ],
  "Conv2D valid, dilated": [[7, 8, 3], () => apply(layers.conv2d({ filters: 4, kernelSize: [3, 2], dilationRate: 2 }))],
  Conv3D: [[4, 5, 4, 2], () => apply(layers.conv3d({ filters: 3, kernelSize: 2, strides: 1, padding: "same" }))],
  DepthwiseConv2D: [
    [6, 6, 3],
    () => apply(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: "same", strides: 2 })),
  ],
  SeparableConv2D: [[6, 6, 3], () => apply(layers.separableConv2d({ filters: 4, kernelSize: 3, padding: "same" }))],
  "Conv2DTranspose same": [
    [4, 5, 3],
    () => apply(layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: "same" })),
  ],
  "Conv2DTranspose valid, stride above the kernel": [
    [4, 5, 3],
    () => apply(layers.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 3 })),
  ],
  BatchNormalization: [[4, 5, 3], () => apply(layers.batchNormalization({}))],
  "BatchNormalization of rank 2, without scale": [[6], () => apply(layers.batchNormalization({ scale: false }))],
  LayerNormalization: [[4, 6], () => apply(layers.layerNormalization({}))],
  "LayerNormalization over a middle axis": [[4, 6], () => apply(layers.layerNormalization({ axis: 1 }))],
  "ReLU with a maximum": [[9], () => apply(layers.reLU({ maxValue: 0.5 }))],
  LeakyReLU: [[9], () => apply(layers.leakyReLU({ alpha: 0.2 }))],
  "PReLU, shared axes": [[4, 4, 3], () => apply(layers.prelu({ sharedAxes: [1, 2] }))],
  ELU: [[9], () => apply(layers.elu({ alpha: 1 }))],
  Softmax: [[3, 4], () => apply(layers.softmax({ axis: -1 }))],
  ThresholdedReLU: [[9], () => apply(layers.thresholdedReLU({ theta: 0.3 }))],
  Dropout: [[9], () => apply(layers.dropout({ rate: 0.5 }))],
  Flatten: [[3, 4, 2], () => apply(layers.flatten())],
  "Flatten channels first": [[2, 3, 4], () => apply(layers.flatten({ dataFormat: "channelsFirst" }))],
  "Reshape with -1": [[3, 4], () => apply(layers.reshape({ targetShape: [2, -1] }))],
  Permute: [[3, 4, 2], () => apply(layers.permute({ dims: [3, 1, 2] }))],
  RepeatVector: [[3], () => apply(layers.repeatVector({ n: 4 }))],
  MaxPooling1D: [[9, 2], () => apply(layers.maxPooling1d({ poolSize: 3, strides: 2, padding: "same" }))],
  AveragePooling1D: [[9, 2], () => apply(layers.averagePooling1d({ poolSize: 2 }))],
  MaxPooling2D: [[7, 8, 2], () => apply(layers.maxPooling2d({ poolSize: [2, 3] }))],
  "AveragePooling2D same": [
    [7, 8, 2],
    () => apply(layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" })),
  ],
  MaxPooling3D: [[4, 4, 4, 2], () => apply(layers.maxPooling3d({ poolSize: 2 }))],
  GlobalAveragePooling1D: [[5, 3], () => apply(layers.globalAveragePooling1d({}))],
  GlobalAveragePooling2D: [[5, 4, 3], () => apply(layers.globalAveragePooling2d({}))],
  GlobalMaxPooling1D: [[5, 3], () => apply(layers.globalMaxPooling1d({}))],
  GlobalMaxPooling2D: [[5, 4, 3], () => apply(layers.globalMaxPooling2d({}))],
  ZeroPadding2D: [
    [5, 4, 3],
    () =>
      apply(
        layers.zeroPadding2d({
          padding: [
            [1, 2],
            [0, 3],
          ],
        }),
      ),
  ],
  Cropping2D: [
    [7, 8, 3],
    () =>
      apply(
        layers.cropping2D({
          cropping: [
            [1, 2],
            [0, 3],
          ],
        }),
      ),
  ],
  "UpSampling2D nearest": [[3, 4, 2], () => apply(layers.upSampling2d({ size: [2, 3] }))],
  "UpSampling2D bilinear": [[3, 4, 2], () => apply(layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" }))],
  Rescaling: [[4], () => apply(layers.rescaling({ scale: 0.5, offset: 0.25 }))],
  LSTM: [[5, 3], () => apply(layers.lstm({ units: 4 }))],
  "LSTM, sequences, sigmoid": [
    [5, 3],
    () => apply(layers.lstm({ units: 4, returnSequences: true, recurrentActivation: "sigmoid" })),
  ],
  "LSTM backwards, sequences": [
    [5, 3],
    () => apply(layers.lstm({ units: 4, returnSequences: true, goBackwards: true })),
  ],
  "LSTM with its states": [
    [5, 3],
    () => apply(layers.lstm({ units: 4, returnState: true, returnSequences: true, name: "l" })),
  ],
  GRU: [[5, 3], () => apply(layers.gru({ units: 4, recurrentActivation: "sigmoid" }))],
  "GRU, sequences, relu, no bias": [
    [5, 3],
    () => apply(layers.gru({ units: 4, returnSequences: true, activation: "relu", useBias: false })),
  ],
  SimpleRNN: [[5, 3], () => apply(layers.simpleRNN({ units: 4, returnSequences: true }))],
  "TimeDistributed Dense": [[5, 3], () => apply(layers.timeDistributed({ layer: layers.dense({ units: 4 }) }))],
};

for (const mergeMode of ["concat", "sum", "mul", "ave"] as const)
  cases[`Bidirectional LSTM, ${mergeMode}`] = [
    [5, 3],
    () =>
      apply(
        layers.bidirectional({
          layer: layers.lstm({ units: 4, returnSequences: mergeMode !== "sum" }) as never,
          mergeMode,
        }),
      ),
  ];
cases["Bidirectional GRU, last state"] = [
  [5, 3],
  () => apply(layers.bidirectional({ layer: layers.gru({ units: 2 }) as never, mergeMode: "concat" })),
];

const merges = ["add", "multiply", "average", "maximum", "minimum"] as const;

beforeAll(async () => {
  await tfjsEngine(); // gives tensors the methods that the layers' initialisers use
});

describe("layers as TensorFlow.js computes them", () => {
  it.each(Object.keys(cases))("%s", async (name) => {
    const [shape, build] = cases[name]!;
    await agrees(name, shape, build());
  });

  it.each([
    "elu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "hardSigmoid",
    "softplus",
    "softsign",
    "tanh",
    "softmax",
    "swish",
    "mish",
    "linear",
    "gelu",
  ])("activation %s", async (activation) => {
    await agrees(activation, [6], apply(layers.dense({ units: 5, activation: activation as "elu" })));
  });

  it.each(merges)("%s over operands of different ranks", async (type) => {
    await agrees(type, [3, 4], (x) => {
      const y = layers.globalMaxPooling1d({}).apply(x) as SymbolicTensor;
      return layers[type]({}).apply([x, y]) as SymbolicTensor;
    });
  });

  it.each([-1, 1])("concatenate on axis %i", async (axis) => {
    await agrees("concatenate", [3, 4], (x) => layers.concatenate({ axis }).apply([x, x]) as SymbolicTensor);
  });

  it.each([
    ["vectors", [4], -1, false],
    ["vectors, normalised", [4], -1, true],
    ["matrices", [3, 4], 2, false],
  ] as const)("dot of %s", async (name, shape, axes, normalize) => {
    await agrees(`dot ${name}`, shape, (x) => {
      const y = layers.activation({ activation: "tanh" }).apply(x) as SymbolicTensor;
      return layers.dot({ axes, normalize }).apply([x, y]) as SymbolicTensor;
    });
  });

  it("an embedding, a sequence of layers and a softmax", async () => {
    const built = sequential({
      layers: [
        layers.embedding({ inputDim: 20, outputDim: 4, inputLength: 6 }),
        layers.lstm({ units: 3 }),
        layers.dense({ units: 2, activation: "softmax" }),
      ],
    });
    await agreesOn("embedding", built, 0, 20);
  });

  it("nested models and shared layers, each applied twice", async () => {
    const inner = sequential({
      layers: [layers.dense({ units: 3, inputShape: [4], activation: "tanh" }), layers.dense({ units: 4 })],
    });
    const shared = layers.dense({ units: 4, name: "shared" });
    await agrees("nested", [4], (x) => {
      let y = inner.apply(x) as SymbolicTensor;
      y = shared.apply(y) as SymbolicTensor;
      y = shared.apply(y) as SymbolicTensor;
      return [inner.apply(y) as SymbolicTensor, y];
    });
  });

  it("two inputs, one of which is an output too", async () => {
    const a = input({ shape: [3], name: "a" });
    const b = input({ shape: [3], name: "b" });
    const y = layers.add().apply([a, b]) as SymbolicTensor;
    await agreesOn("two inputs", model({ inputs: [a, b], outputs: [y, a] }));
  });

  it("a recurrent layer that starts from given states", async () => {
    const x = input({ shape: [4, 3], name: "x" });
    const h = input({ shape: [2], name: "h" });
    const c = input({ shape: [2], name: "c" });
    const y = layers.lstm({ units: 2 }).apply(x, { initialState: [h, c] }) as SymbolicTensor;
    await agreesOn("states", model({ inputs: [x, h, c], outputs: y }));
  });

  it("covers the layers that it lists", () => {
    expect(TFJS_READ.layers).toContain("Conv2D");
    expect(TFJS_READ.layers.length).toBeGreaterThan(50);
    expect(tf.version_core).toBe("4.22.0");
  });
});
