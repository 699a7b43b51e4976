import type { Graph } from "../ir/index.ts";
import { dsCnn } from "./ds-cnn.ts";
import type { ImageShape } from "./layers.ts";
import { lstmClassifier } from "./lstm-classifier.ts";
import { mlp } from "./mlp.ts";
import { mobilenetV1 } from "./mobilenet-v1.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { resnet8 } from "./resnet8.ts";
import { resnet10Wide } from "./resnet10-wide.ts";
import { resnet18 } from "./resnet18.ts";
import { vitTiny } from "./vit.ts";

export { dsCnn } from "./ds-cnn.ts";
export type { ImageShape } from "./layers.ts";
export { lstmClassifier } from "./lstm-classifier.ts";
export { mlp } from "./mlp.ts";
export { mobilenetV1 } from "./mobilenet-v1.ts";
export { mobilenetV2 } from "./mobilenet-v2.ts";
export { resnet8 } from "./resnet8.ts";
export { resnet10Wide } from "./resnet10-wide.ts";
export { resnet18 } from "./resnet18.ts";
export { type VitOptions, vitTiny } from "./vit.ts";

export type ArchitectureName = "ds_cnn" | "resnet8" | "mobilenet_v2" | "resnet10_wide";

/** A classifier with seeded initial weights; by default of 28 x 28 grey images in 10 classes where nothing else is said. */
export type Architecture = (seed: number, image?: ImageShape, classes?: number) => Graph;

/** The architectures of the reference models by name. */
export const ARCHITECTURES: Readonly<Record<ArchitectureName, Architecture>> = {
  ds_cnn: dsCnn,
  resnet8,
  mobilenet_v2: mobilenetV2,
  resnet10_wide: resnet10Wide,
};

export type BuilderName = ArchitectureName | "mlp" | "mobilenet_v1" | "resnet18" | "vit_tiny" | "lstm";

/** Every architecture by name: those of the reference models, and others to train from scratch or measure with. */
export const BUILDERS: Readonly<Record<BuilderName, Architecture>> = {
  ...ARCHITECTURES,
  mlp,
  mobilenet_v1: mobilenetV1,
  resnet18,
  vit_tiny: vitTiny,
  lstm: lstmClassifier,
};
