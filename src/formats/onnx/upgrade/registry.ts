import type { Upgrade } from "../file-node.ts";
import { convTranspose } from "./conv-transpose.ts";
import { broadcastBefore7, concat, dropConsumed, refusedBefore, reshape } from "./legacy.ts";
import { cast, gridSample, recurrent, roiAlign, scatter, softmaxAxis } from "./modes.ts";
import { axesBefore, clip, dft, pad, slice, split, topK } from "./operands.ts";
import { quantizeLinear } from "./quantization.ts";
import { resize, upsample } from "./resize.ts";

const BROADCAST = ["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"];
const CONSUMING = ["Abs", "Ceil", "Elu", "Exp", "Floor", "HardSigmoid", "InstanceNormalization", "LeakyRelu", "Log"];
const CONSUMING_TOO = ["Max", "Mean", "Min", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid", "Sqrt", "Sum", "Tanh"];

/** Several changes one after the other. */
const all =
  (...upgrades: readonly Upgrade[]): Upgrade =>
  (node) => {
    for (const upgrade of upgrades) upgrade(node);
  };

/**
 * What changed up to IR_OPSET, by operator (ONNX Changelog.md): from opset 7 on all of it, before that what is not a matter of form only where a file
 * is likely to have it. Operators that are not listed did not change in a way that matters.
 */
export const UPGRADES: ReadonlyMap<string, Upgrade> = new Map<string, Upgrade>([
  ...BROADCAST.map((op) => [op, broadcastBefore7] as const),
  ...[...CONSUMING, ...CONSUMING_TOO].map((op) => [op, dropConsumed] as const),
  ["Concat", concat],
  ["Reshape", reshape],
  ["PRelu", refusedBefore(7)],
  ["Tile", refusedBefore(6)],
  ["ConvTranspose", convTranspose],
  ["Squeeze", axesBefore(13)],
  ["Unsqueeze", axesBefore(13)],
  ["ReduceSum", axesBefore(13)],
  ["ReduceMean", axesBefore(18)],
  ["ReduceMax", axesBefore(18)],
  ["ReduceMin", axesBefore(18)],
  ["ReduceProd", axesBefore(18)],
  ["ReduceL1", axesBefore(18)],
  ["ReduceL2", axesBefore(18)],
  ["ReduceLogSum", axesBefore(18)],
  ["ReduceLogSumExp", axesBefore(18)],
  ["ReduceSumSquare", axesBefore(18)],
  ["Split", all(refusedBefore(2), split)],
  ["Clip", all(dropConsumed, clip)],
  ["Pad", all(refusedBefore(2), pad)],
  ["Slice", slice],
  ["TopK", topK],
  ["DFT", dft],
  ["Cast", cast],
  ["GridSample", gridSample],
  ["RoiAlign", roiAlign],
  ["Scatter", scatter],
  ["Softmax", softmaxAxis],
  ["LogSoftmax", softmaxAxis],
  ["Hardmax", softmaxAxis],
  ["LSTM", all(refusedBefore(7), recurrent)],
  ["GRU", all(refusedBefore(7), recurrent)],
  ["RNN", all(refusedBefore(7), recurrent)],
  ["Resize", resize],
  ["Upsample", all(refusedBefore(7), upsample)],
  ["QuantizeLinear", quantizeLinear],
]);
