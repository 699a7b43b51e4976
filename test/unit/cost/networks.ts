import type { LayerKind, LayerWork } from "../../../src/cost/index.ts";

/** Builds the layers of well-known networks, one sample, activations of `bytes` each, with activations and batch norm fused and residual Adds apart. */
export class NetworkBuilder {
  readonly layers: LayerWork[] = [];
  readonly bytes: number;
  height: number;
  width: number;
  channels: number;

  constructor(height: number, width: number, channels: number, bytes: number) {
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.bytes = bytes;
  }

  conv(
    outChannels: number,
    kernel: readonly [number, number],
    stride: readonly [number, number] = [1, 1],
    groups = 1,
  ): this {
    const outHeight = Math.ceil(this.height / stride[0]);
    const outWidth = Math.ceil(this.width / stride[1]);
    const taps = kernel[0] * kernel[1];
    const weights = (outChannels * this.channels * taps) / groups;
    const kind: LayerKind =
      groups === this.channels && groups > 1 ? "depthwise" : taps === 1 ? "pointwise" : groups > 1 ? "grouped" : "conv";
    this.push("Conv", kind, outChannels, [outHeight, outWidth], {
      macs: weights * outHeight * outWidth,
      weightBytes: weights * this.bytes,
      groups,
      kernel,
      stride,
    });
    return this;
  }

  depthwise(kernel: readonly [number, number], stride: readonly [number, number] = [1, 1]): this {
    return this.conv(this.channels, kernel, stride, this.channels);
  }

  add(fused = false): this {
    const bytes = this.height * this.width * this.channels * this.bytes;
    this.push("Add", "elementwise", this.channels, [this.height, this.width], { inputBytes: 2 * bytes, fused });
    return this;
  }

  pool(kernel: readonly [number, number], stride: readonly [number, number]): this {
    const size = [Math.ceil(this.height / stride[0]), Math.ceil(this.width / stride[1])] as const;
    this.push("MaxPool", "pool", this.channels, size, { kernel, stride });
    return this;
  }

  globalPool(): this {
    this.push("GlobalAveragePool", "pool", this.channels, [1, 1], { kernel: [this.height, this.width] });
    return this;
  }

  fc(outChannels: number): this {
    const inChannels = this.height * this.width * this.channels;
    const inputBytes = inChannels * this.bytes;
    this.height = 1;
    this.width = 1;
    this.channels = inChannels;
    const macs = inChannels * outChannels;
    this.push("Gemm", "fc", outChannels, [1, 1], { macs, weightBytes: macs * this.bytes, inputBytes });
    return this;
  }

  softmax(): this {
    this.push("Softmax", "softmax", this.channels, [1, 1], {});
    return this;
  }

  private push(
    op: string,
    kind: LayerKind,
    outChannels: number,
    size: readonly [number, number],
    rest: Partial<LayerWork>,
  ): void {
    this.layers.push({
      node: `${op.toLowerCase()}${this.layers.length}`,
      op,
      kind,
      macs: 0,
      inputBytes: this.height * this.width * this.channels * this.bytes,
      weightBytes: 0,
      outputBytes: size[0] * size[1] * outChannels * this.bytes,
      inChannels: this.channels,
      outChannels,
      groups: 1,
      kernel: [1, 1],
      stride: [1, 1],
      outputSize: size,
      bytesPerElement: this.bytes,
      sparse24: false,
      fused: false,
      ...rest,
    });
    [this.height, this.width] = size;
    this.channels = outChannels;
  }
}

/** ResNet-50 v1.5 at 224 x 224; residual Adds fused as TensorRT does. */
export function resnet50(bytes: number): LayerWork[] {
  const net = new NetworkBuilder(224, 224, 3, bytes);
  net.conv(64, [7, 7], [2, 2]).pool([3, 3], [2, 2]);
  const stages = [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ] as const;
  for (const [width, blocks, firstStride] of stages) {
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? firstStride : 1;
      const { height, width: w, channels } = net;
      net
        .conv(width, [1, 1])
        .conv(width, [3, 3], [stride, stride])
        .conv(4 * width, [1, 1]);
      if (block === 0) {
        const branch = new NetworkBuilder(height, w, channels, bytes).conv(4 * width, [1, 1], [stride, stride]);
        net.layers.push(...branch.layers.map((layer) => ({ ...layer, node: `shortcut${net.layers.length}` })));
      }
      net.add(true);
    }
  }
  return net.globalPool().fc(1000).softmax().layers;
}

/** MLPerf Tiny image classification: ResNet-8 at 32 x 32 x 3. */
export function resnet8(
  bytes: number,
  widths: readonly [number, number, number] = [16, 32, 64],
  size = 32,
  inputs = 3,
): LayerWork[] {
  const net = new NetworkBuilder(size, size, inputs, bytes);
  net.conv(widths[0], [3, 3]);
  widths.forEach((width, stage) => {
    const stride = stage === 0 ? 1 : 2;
    const { height, width: w, channels } = net;
    net.conv(width, [3, 3], [stride, stride]).conv(width, [3, 3]);
    if (stage > 0) {
      const branch = new NetworkBuilder(height, w, channels, bytes).conv(width, [1, 1], [stride, stride]);
      net.layers.push(...branch.layers.map((layer) => ({ ...layer, node: `shortcut${stage}` })));
    }
    net.add();
  });
  return net.globalPool().fc(10).softmax().layers;
}

/** MLPerf Tiny keyword spotting: DS-CNN at 49 x 10. */
export function dscnn(bytes: number, width = 64): LayerWork[] {
  const net = new NetworkBuilder(49, 10, 1, bytes).conv(width, [10, 4], [2, 2]);
  for (let block = 0; block < 4; block++) net.depthwise([3, 3]).conv(width, [1, 1]);
  return net.globalPool().fc(12).softmax().layers;
}

/** MobileNetV1 at a width multiplier: 96 x 96 with 2 classes is MLPerf Tiny's visual wake words. */
export function mobilenetV1(bytes: number, alpha: number, size: number, classes: number): LayerWork[] {
  const width = (channels: number) => Math.max(8, Math.round(channels * alpha));
  const net = new NetworkBuilder(size, size, 3, bytes).conv(width(32), [3, 3], [2, 2]);
  const blocks = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array.from({ length: 5 }, () => [512, 1] as const),
    [1024, 2],
    [1024, 1],
  ] as const;
  for (const [channels, stride] of blocks) net.depthwise([3, 3], [stride, stride]).conv(width(channels), [1, 1]);
  return net.globalPool().fc(classes).softmax().layers;
}

/** MLPerf Tiny anomaly detection: fully connected autoencoder. */
export function autoencoder(bytes: number): LayerWork[] {
  const net = new NetworkBuilder(1, 1, 640, bytes);
  for (const width of [128, 128, 128, 128, 8, 128, 128, 128, 128, 640]) net.fc(width);
  return net.layers;
}

/** Wide ResNet-10 at 28 x 28 x 1: stride-2 stem, widths 64 to 512, about 5 M parameters and 50 M MACs. */
export function wideResnet10(
  bytes: number,
  widths: readonly number[] = [64, 128, 256, 512],
  sparse24 = false,
): LayerWork[] {
  const net = new NetworkBuilder(28, 28, 1, bytes).conv(widths[0] ?? 64, [3, 3], [2, 2]);
  widths.forEach((width, stage) => {
    const stride = stage === 0 ? 1 : 2;
    const { height, width: w, channels } = net;
    net.conv(width, [3, 3], [stride, stride]).conv(width, [3, 3]);
    if (stage > 0) {
      const branch = new NetworkBuilder(height, w, channels, bytes).conv(width, [1, 1], [stride, stride]);
      net.layers.push(...branch.layers.map((layer) => ({ ...layer, node: `shortcut${stage}` })));
    }
    net.add(true);
  });
  net.globalPool().fc(10).softmax();
  return net.layers.map((layer) => ({ ...layer, sparse24: sparse24 && layer.op === "Conv" }));
}
