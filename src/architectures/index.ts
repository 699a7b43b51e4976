import type { Graph } from "../ir/index.ts";
import { dsCnn } from "./ds-cnn.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { resnet8 } from "./resnet8.ts";
import { resnet10Wide } from "./resnet10-wide.ts";

export { dsCnn } from "./ds-cnn.ts";
export { mobilenetV2 } from "./mobilenet-v2.ts";
export { resnet8 } from "./resnet8.ts";
export { resnet10Wide } from "./resnet10-wide.ts";

export type ArchitectureName = "ds_cnn" | "resnet8" | "mobilenet_v2" | "resnet10_wide";

/** The reference architectures by name, each with seeded initial weights. */
export const ARCHITECTURES: Readonly<Record<ArchitectureName, (seed: number) => Graph>> = {
  ds_cnn: dsCnn,
  resnet8,
  mobilenet_v2: mobilenetV2,
  resnet10_wide: resnet10Wide,
};
