import type { Graph, ValueId } from "../src/ir/index.ts";
import { newBuilder } from "../src/ops/index.ts";
import { float32 } from "../src/tensor/index.ts";

/** ResNet-50 (He et al., Deep Residual Learning for Image Recognition, 2016, table 1) with batch norms; weights are not trained. */
export function resnet50(): Graph {
  const b = newBuilder("resnet50");
  const channels = (id: ValueId) => b.value(id).type.shape[1] as number;
  const vector = (name: string, n: number) => b.constant(name, float32([n], new Float32Array(n).fill(1)));
  const conv = (x: ValueId, name: string, out: number, kernel: number, stride: number): ValueId => {
    const size = out * channels(x) * kernel * kernel;
    const data = Float32Array.from({ length: size }, (_, i) => ((i * 2654435761) % 1000) / 1000 - 0.5);
    const w = b.constant(`${name}.weight`, float32([out, channels(x), kernel, kernel], data));
    const pad = (kernel - 1) / 2;
    const y = b.node("Conv", [x, w], { strides: [stride, stride], pads: [pad, pad, pad, pad] }, { name });
    const parts = ["scale", "bias", "mean", "var"].map((part) => vector(`${name}.bn.${part}`, out));
    return b.node("BatchNormalization", [y, ...parts], {}, { name: `${name}.bn` });
  };
  const relu = (x: ValueId) => b.node("Relu", [x]);
  let x = relu(conv(b.input("x", { dtype: "float32", shape: ["N", 3, 224, 224] }), "stem", 64, 7, 2));
  x = b.node("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const width = 64 * 2 ** stage;
    for (let i = 0; i < blocks; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const name = `layer${stage + 1}.${i}`;
      const inner = relu(conv(relu(conv(x, `${name}.a`, width, 1, 1)), `${name}.b`, width, 3, stride));
      const shortcut = i === 0 ? conv(x, `${name}.down`, 4 * width, 1, stride) : x;
      x = relu(b.node("Add", [shortcut, conv(inner, `${name}.c`, 4 * width, 1, 1)]));
    }
  });
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [x])]);
  const fc = b.constant("fc.weight", float32([1000, 2048], new Float32Array(2048000).fill(0.01)));
  b.output(b.node("Gemm", [flat, fc, vector("fc.bias", 1000)], { transB: 1 }));
  return b.build();
}
