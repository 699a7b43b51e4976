import { mobilenetV1, mobilenetV2 } from "../../src/architectures/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import { bert, convNext, llama, mobileVit, swin, vit } from "./attention.ts";
import { densenet, googlenet, inceptionV3, squeezenet, vgg } from "./classic.ts";
import { efficientnet, ghostnet, mnasnet, mobilenetV3, shufflenetV2 } from "./mobile.ts";
import { regnet, resnet, resnext } from "./residual.ts";
import { autoencoder, lstmClassifier } from "./sequence.ts";
import { deeplabV3, hrnet, ssdHead, unet, yoloC2f } from "./spatial.ts";

/** Every topology by name: small widths, real structure. */
export const TOPOLOGIES: Readonly<Record<string, () => Graph>> = {
  vgg,
  resnet,
  resnext,
  regnet,
  densenet,
  googlenet,
  "inception-v3": inceptionV3,
  squeezenet,
  "mobilenet-v1": () => mobilenetV1(1),
  "mobilenet-v2": () => mobilenetV2(1),
  "mobilenet-v3": mobilenetV3,
  mnasnet,
  efficientnet,
  "shufflenet-v2": shufflenetV2,
  ghostnet,
  convnext: convNext,
  unet,
  "deeplab-v3": deeplabV3,
  "ssd-head": ssdHead,
  "yolo-c2f": yoloC2f,
  hrnet,
  vit,
  swin,
  "mobile-vit": mobileVit,
  bert,
  llama: () => llama(),
  "llama-rotary-per-head": () => llama(true),
  "lstm-classifier": lstmClassifier,
  autoencoder,
};
