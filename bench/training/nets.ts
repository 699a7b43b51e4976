import { dsCnn, mlp, mobilenetV1, resnet8, resnet18, vitTiny } from "../../src/architectures/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { mobilenetV2Large } from "./mobilenet-v2-large.ts";

/** A network whose training step is measured. */
export interface Net {
  readonly title: string;
  readonly build: () => Graph;
  readonly sample: readonly [number, number, number];
  readonly classes: number;
  readonly batch: number;
  /**
   * The step in TF.js: images, and its backend. WebAssembly has no weight gradient of convolutions: with that one taken from the plain backend, value by
   * value, it is slower than the plain one ("cpu"). Or why it is left out.
   */
  readonly tfjs: { readonly batch: number; readonly backend: "best" | "cpu" } | string;
}

const cifar = [3, 32, 32] as const;
const resnet8Net = {
  build: () => resnet8(1, cifar),
  sample: cifar,
  classes: 10,
  tfjs: { batch: 1, backend: "cpu" },
} as const;

/** By the name that --nets takes. */
export const NETS: Readonly<Record<string, Net>> = {
  "resnet8-32": { title: "ResNet-8, 3x32x32", batch: 32, ...resnet8Net },
  "resnet8-128": { title: "ResNet-8, 3x32x32", batch: 128, ...resnet8Net, tfjs: "as with batch 32" },
  mobilenetv1: {
    title: "MobileNetV1-0.25, 3x96x96",
    build: () => mobilenetV1(1, [3, 96, 96]),
    sample: [3, 96, 96],
    classes: 2,
    batch: 32,
    tfjs: { batch: 1, backend: "cpu" },
  },
  mobilenetv2: {
    title: "MobileNetV2, 3x224x224",
    build: () => mobilenetV2Large(1),
    sample: [3, 224, 224],
    classes: 1000,
    batch: 8,
    tfjs: "an image takes its plain backend more than a minute",
  },
  resnet18: {
    title: "ResNet-18, 3x32x32",
    build: () => resnet18(1, cifar),
    sample: cifar,
    classes: 10,
    batch: 32,
    tfjs: "an image takes its plain backend more than a minute",
  },
  "ds-cnn": {
    title: "DS-CNN, 1x49x10",
    build: () => dsCnn(1, [1, 49, 10], 12),
    sample: [1, 49, 10],
    classes: 12,
    batch: 64,
    tfjs: { batch: 4, backend: "cpu" },
  },
  mlp: {
    title: "MLP 784-256-128-10",
    build: () => mlp(1),
    sample: [1, 28, 28],
    classes: 10,
    batch: 128,
    tfjs: { batch: 128, backend: "best" },
  },
  vit: {
    title: "ViT-tiny (depth 12), 3x32x32",
    build: () => vitTiny(1, cifar),
    sample: cifar,
    classes: 10,
    batch: 16,
    tfjs: { batch: 2, backend: "best" },
  },
};
