/** The training step of a graph in TF.js: its operators over channels-first tensors, its own gradients, plain SGD. */
import type * as tf from "@tensorflow/tfjs-core";
import { type Graph, type Node, valueById } from "../../src/ir/index.ts";
import { completeAttributes, specOf } from "../../src/ops/index.ts";
import { tfjsEngine } from "../../src/runtimes/tfjs/engine.ts";
import { type Tensor, toFloat32 } from "../../src/tensor/index.ts";
import { trainableConstants } from "../../src/train/index.ts";

type Core = typeof tf;
type Attributes = Readonly<Record<string, number | string | readonly number[]>>;
type Rule = (
  core: Core,
  inputs: readonly tf.Tensor[],
  attrs: Attributes,
  ints: readonly number[],
) => tf.Tensor | tf.Tensor[];

const nhwc = (core: Core, x: tf.Tensor) => core.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
const numbers = (value: Attributes[string] | undefined) => value as readonly number[];

function convolution(core: Core, [x, w]: readonly tf.Tensor[], attrs: Attributes): tf.Tensor {
  const [stride, pad] = [numbers(attrs.strides)[0]!, numbers(attrs.pads)[0] ?? 0];
  const [n, channels, rows, columns] = x!.shape as [number, number, number, number];
  const [maps, inner, kernel] = w!.shape as [number, number, number];
  // Patches that touch but do not overlap are a matrix product, which every backend has the gradient of.
  if (stride === kernel && pad === 0 && kernel > 1) {
    const [height, width] = [rows / kernel, columns / kernel];
    const split = core.reshape(x!, [n * channels, height, kernel, width, kernel]);
    const patches = core.reshape(core.transpose(split, [0, 1, 3, 2, 4]), [
      n,
      channels,
      height * width,
      kernel * kernel,
    ]);
    const lines = core.reshape(core.transpose(patches, [0, 2, 1, 3]), [-1, channels * kernel * kernel]);
    const y = core.matMul(lines as tf.Tensor2D, core.reshape(w!, [maps, -1]), false, true);
    return core.reshape(core.transpose(core.reshape(y, [n, height * width, maps]), [0, 2, 1]), [
      n,
      maps,
      height,
      width,
    ]);
  }
  const padded = core.pad(nhwc(core, x!), [
    [0, 0],
    [pad, pad],
    [pad, pad],
    [0, 0],
  ]) as tf.Tensor4D;
  const filter = core.transpose(w!, inner === channels ? [2, 3, 1, 0] : [2, 3, 0, 1]) as tf.Tensor4D;
  const y =
    inner === channels
      ? core.conv2d(padded, filter, stride, "valid")
      : core.depthwiseConv2d(padded, filter, stride, "valid");
  return core.transpose(y, [0, 3, 1, 2]);
}

/** (x - mean) / deviation over `axes`, scaled and shifted. */
function normalised(core: Core, x: tf.Tensor, axes: number[], scale: tf.Tensor, shift: tf.Tensor, epsilon: number) {
  const { mean, variance } = core.moments(x, axes, true);
  const normal = core.mul(core.sub(x, mean), core.rsqrt(core.add(variance, epsilon)));
  return core.add(core.mul(normal, scale), shift);
}

const RULES: Readonly<Record<string, Rule>> = {
  Conv: (core, inputs, attrs) => {
    const y = convolution(core, inputs, attrs);
    return inputs[2] === undefined ? y : core.add(y, core.reshape(inputs[2], [1, -1, 1, 1]));
  },
  BatchNormalization: (core, [x, scale, shift], attrs) => {
    const column = (v: tf.Tensor) => core.reshape(v, [1, -1, 1, 1]);
    return normalised(core, x!, [0, 2, 3], column(scale!), column(shift!), attrs.epsilon as number);
  },
  LayerNormalization: (core, [x, scale, shift], attrs) =>
    normalised(core, x!, [x!.rank - 1], scale!, shift!, attrs.epsilon as number),
  Relu: (core, [x]) => core.relu(x!),
  // The networks' only clip is the rectifier with bound 6.
  Clip: (core, [x]) => core.relu6(x!),
  Add: (core, [a, b]) => core.add(a!, b!),
  Mul: (core, [a, b]) => core.mul(a!, b!),
  GlobalAveragePool: (core, [x]) => core.mean(x!, [2, 3], true),
  ReduceMean: (core, [x], attrs, ints) => core.mean(x!, [...ints], attrs.keepdims === 1),
  Flatten: (core, [x]) => core.reshape(x!, [x!.shape[0]!, -1]),
  Gemm: (core, [a, b, c]) => core.add(core.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true), c!),
  // A matrix for all of a batch: the gradient of TF.js's product would keep the batch's axis.
  MatMul: (core, [a, b]) =>
    a!.rank > 2 && b!.rank === 2
      ? core.reshape(core.matMul(core.reshape(a!, [-1, a!.shape.at(-1)!]), b!), [
          ...a!.shape.slice(0, -1),
          b!.shape[1]!,
        ])
      : core.matMul(a!, b!),
  Softmax: (core, [x]) => core.softmax(x!),
  Gelu: (core, [x]) => core.mul(core.mul(x!, 0.5), core.add(core.erf(core.mul(x!, Math.SQRT1_2)), 1)),
  Transpose: (core, [x], attrs) => core.transpose(x!, [...numbers(attrs.perm)]),
  Split: (core, [x], attrs) => core.split(x!, attrs.num_outputs as number, attrs.axis as number),
  Squeeze: (core, [x], _, ints) => core.squeeze(x!, [...ints]),
  Reshape: (core, [x], _, ints) =>
    core.reshape(
      x!,
      ints.map((size, i) => (size === 0 ? x!.shape[i]! : size)),
    ),
};

function runNode(core: Core, graph: Graph, node: Node, known: Map<number, tf.Tensor>): void {
  const rule = RULES[node.op];
  if (rule === undefined) throw new Error(`no rule for ${node.op}`);
  const inputs = node.inputs.flatMap((id) => (id !== null && known.has(id) ? [known.get(id)!] : []));
  const integers = node.inputs.map((id) => (id === null ? undefined : valueById(graph, id).data));
  const ints = integers.find((data) => data?.dtype === "int64");
  const attrs = completeAttributes(node.op, specOf(node.op).attrs, node.attrs) as Attributes;
  const result = rule(core, inputs, attrs, ints === undefined ? [] : Array.from(ints.data as BigInt64Array, Number));
  for (const [i, value] of (Array.isArray(result) ? result : [result]).entries()) known.set(node.outputs[i]!, value);
}

export interface TfjsStep {
  readonly backend: string;
  /** One step. */
  run(): void;
  close(): void;
}

/** A step over one batch: on "cpu", TF.js's plain backend, or on the best one that starts. tfjs-node is taken for both where it is installed. */
export async function openTfjsStep(
  graph: Graph,
  samples: Tensor<"float32">,
  target: Tensor<"float32">,
  wanted: "best" | "cpu",
): Promise<TfjsStep> {
  const { core, backends } = await tfjsEngine();
  const native = backends[0]!.name === "tensorflow";
  const backend = wanted === "best" || native ? backends[0]! : backends.at(-1)!;
  await core.setBackend(backend.name);
  const learned = new Set(trainableConstants(graph));
  const constants = new Map<number, tf.Tensor>();
  for (const { id, type, data } of graph.values.values())
    if (data !== undefined && type.dtype === "float32") {
      const value = core.tensor(toFloat32(data), type.shape as number[]);
      constants.set(id, learned.has(id) ? core.variable(value) : value);
    }
  const x = core.tensor(samples.data, [...samples.shape]);
  const labels = core.tensor(target.data, [...target.shape]);
  const optimiser = core.train.sgd(0.01);
  const loss = () => {
    const known = new Map(constants).set(graph.inputs[0]!, x);
    for (const node of graph.nodes) runNode(core, graph, node, known);
    const logits = known.get(graph.outputs[0]!)! as tf.Tensor2D;
    return core.neg(core.mean(core.sum(core.mul(core.logSoftmax(logits), labels), 1))) as tf.Scalar;
  };
  return {
    backend: backend.label,
    run: () => {
      optimiser.minimize(loss, true)?.dataSync();
    },
    close: () => core.dispose([...constants.values(), x, labels]),
  };
}
