/**
 * The prototype that training on ONNX Runtime was decided by, rebuilt from its description as a yardstick: ResNet-8's step written by hand, each layer's
 * gradient beside it. Convolutions have their weights as inputs, the input gradient is a ConvTranspose, the weight gradient is im2col (Pad, Slice, Concat,
 * Reshape, Transpose, one MatMul, ReduceSum over the batch); batch normalisation is written out, and the update is plain SGD.
 */
import type { Graph, ValueId } from "../../src/ir/index.ts";
import { formula, newBuilder } from "../../src/ops/index.ts";
import { float32, seededRandom, type Tensor } from "../../src/tensor/index.ts";

/** A value with the way back: adds the nodes that send a gradient on to what it was made of. */
interface Traced {
  readonly id: ValueId;
  readonly back: (dy: ValueId) => void;
}

export interface Prototype {
  readonly graph: Graph;
  /** Inputs besides "samples", "target" and "rate", with their initial values; "next:NAME" is the output that replaces each. */
  readonly weights: ReadonlyMap<string, Tensor<"float32">>;
}

const CLASSES = 10;
const EPSILON = 1e-5;

/** The step of ResNet-8 for images 3 x 32 x 32. */
export function prototypeStep(batch: number): Prototype {
  const builder = newBuilder("prototype");
  const f = formula(builder, "p");
  const weights = new Map<string, Tensor<"float32">>();
  const inputs = new Map<string, ValueId>();
  const gradients = new Map<string, ValueId>();
  const samples = builder.input("samples", { dtype: "float32", shape: [batch, 3, 32, 32] });
  const target = builder.input("target", { dtype: "float32", shape: [batch, CLASSES] });
  const rate = builder.input("rate", { dtype: "float32", shape: [] });

  const weight = (name: string, shape: readonly number[], value: (random: () => number) => number): ValueId => {
    const random = seededRandom(1, name);
    const size = shape.reduce((a, b) => a * b, 1);
    weights.set(
      name,
      float32(
        shape,
        Float32Array.from({ length: size }, () => value(() => random.normal())),
      ),
    );
    const id = builder.input(name, { dtype: "float32", shape });
    inputs.set(name, id);
    return id;
  };

  const conv = (name: string, x: Traced, maps: number, kernel: number, stride: number, needsInput = true): Traced => {
    const [, channels, height] = f.shape(x.id) as [number, number, number, number];
    const pad = (kernel - 1) / 2;
    const out = height / stride;
    const deviation = Math.sqrt(2 / (channels * kernel * kernel));
    const w = weight(name, [maps, channels, kernel, kernel], (normal) => normal() * deviation);
    const pads = [pad, pad, pad, pad];
    const id = f.node("Conv", [x.id, w], { kernel_shape: [kernel, kernel], pads, strides: [stride, stride] });
    const back = (dy: ValueId) => {
      const padded = f.node("Pad", [x.id, f.ints([0, 0, pad, pad, 0, 0, pad, pad])]);
      const taps = Array.from({ length: kernel * kernel }, (_, tap) => {
        const start = [Math.floor(tap / kernel), tap % kernel];
        const stop = start.map((at) => at + (out - 1) * stride + 1);
        return f.node("Slice", [padded, f.ints(start), f.ints(stop), f.ints([2, 3]), f.ints([stride, stride])]);
      });
      const columns = f.reshape(f.node("Concat", taps, { axis: 1 }), [batch, taps.length * channels, out * out]);
      const rows = f.reshape(dy, [batch, maps, out * out]);
      const summed = f.sum(f.node("MatMul", [rows, f.transpose(columns, [0, 2, 1])]), [0], false);
      const tapMajor = f.transpose(f.reshape(summed, [maps, taps.length, channels]), [0, 2, 1]);
      gradients.set(name, f.reshape(tapMajor, [maps, channels, kernel, kernel]));
      if (!needsInput) return;
      const rest = height - ((out - 1) * stride + kernel - 2 * pad);
      const attrs = { kernel_shape: [kernel, kernel], pads, strides: [stride, stride], output_padding: [rest, rest] };
      x.back(f.node("ConvTranspose", [dy, w], attrs));
    };
    return { id, back };
  };

  const batchNorm = (name: string, x: Traced): Traced => {
    const [, channels, height, width] = f.shape(x.id) as [number, number, number, number];
    const shape = [1, channels, 1, 1];
    const scale = weight(`${name}.scale`, shape, () => 1);
    const bias = weight(`${name}.bias`, shape, () => 0);
    const axes = f.ints([0, 2, 3]);
    const mean = (id: ValueId) => f.node("ReduceMean", [id, axes]);
    const centred = f.sub(x.id, mean(x.id));
    const deviation = f.node("Sqrt", [f.add(mean(f.mul(centred, centred)), f.number(EPSILON))]);
    const normal = f.div(centred, deviation);
    const back = (dy: ValueId) => {
      const [total, moment] = [f.sum(dy, [0, 2, 3]), f.sum(f.mul(dy, normal), [0, 2, 3])];
      gradients.set(`${name}.scale`, moment).set(`${name}.bias`, total);
      const share = f.number(1 / (batch * height * width));
      const inner = f.sub(f.sub(dy, f.mul(total, share)), f.mul(normal, f.mul(moment, share)));
      x.back(f.mul(f.div(scale, deviation), inner));
    };
    return { id: f.add(f.mul(normal, scale), bias), back };
  };

  const relu = (x: Traced): Traced => {
    const id = f.node("Relu", [x.id]);
    return { id, back: (dy) => x.back(f.mul(dy, f.indicator(f.node("Greater", [id, f.number(0)])))) };
  };

  /** Both branches of a block read `x`, which sends on the sum of what they send back. */
  const shared = (x: Traced): Traced => {
    let first: ValueId | null = null;
    const back = (dy: ValueId) => {
      if (first === null) first = dy;
      else x.back(f.add(first, dy));
    };
    return { id: x.id, back };
  };

  const block = (name: string, input: Traced, maps: number, stride: number): Traced => {
    const x = shared(input);
    const first = relu(batchNorm(`${name}.bn1`, conv(`${name}.conv1`, x, maps, 3, stride)));
    const second = batchNorm(`${name}.bn2`, conv(`${name}.conv2`, first, maps, 3, 1));
    const way = stride === 1 ? x : batchNorm(`${name}.bn3`, conv(`${name}.shortcut`, x, maps, 1, stride));
    const back = (dy: ValueId) => {
      for (const branch of [second, way]) branch.back(dy);
    };
    return relu({ id: f.add(second.id, way.id), back });
  };

  let x = relu(batchNorm("stem.bn", conv("stem", { id: samples, back: () => {} }, 16, 3, 1, false)));
  x = block("block3", block("block2", block("block1", x, 16, 1), 32, 2), 64, 2);
  const pooled = f.reshape(f.node("ReduceMean", [x.id, f.ints([2, 3])]), [batch, 64]);
  const dense = weight("classifier", [CLASSES, 64], (normal) => normal() / 8);
  const offset = weight("classifier.bias", [CLASSES], () => 0);
  const logits = f.node("Gemm", [pooled, dense, offset], { transB: 1 });
  const logs = f.node("LogSoftmax", [logits], { axis: 1 });
  const loss = f.mul(f.sum(f.mul(logs, target), [0, 1], false), f.number(-1 / batch));
  const dz = f.mul(f.sub(f.node("Softmax", [logits], { axis: 1 }), target), f.number(1 / batch));
  gradients.set("classifier", f.node("Gemm", [dz, pooled], { transA: 1 }));
  gradients.set("classifier.bias", f.sum(dz, [0], false));
  const spread = f.mul(f.reshape(f.node("MatMul", [dz, dense]), [batch, 64, 1, 1]), f.number(1 / 64));
  x.back(f.node("Expand", [spread, f.ints([batch, 64, 8, 8])]));

  const moved = [...inputs].map(([name, id]) =>
    builder.node(
      "Sub",
      [id, f.mul(gradients.get(name)!, rate)],
      {},
      { name: `${name}.step`, outputNames: [`next:${name}`] },
    ),
  );
  builder.setOutputs([loss, ...moved]);
  return { graph: builder.build(), weights };
}
