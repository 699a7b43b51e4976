import { EspalierError } from "../../diagnostics/index.ts";
import type { Attribute } from "../../ir/index.ts";
import { int64s, scalar, type Tensor } from "../../tensor/index.ts";

/** A node as the file has it, on its way to IR_OPSET: names of inputs ("" is absent), constants to be added. */
export interface RawNode {
  op: string;
  inputs: string[];
  attrs: Record<string, Attribute>;
  outputs: string[];
}

/** Adds a constant to the graph and returns its name. */
export type AddConstant = (label: string, data: Tensor) => string;

type Upgrade = (node: RawNode, opset: number, constant: AddConstant) => void;

/** Moves an integer-list attribute to an input position, as newer opsets have it. */
function listToInput(node: RawNode, name: string, position: number, constant: AddConstant): void {
  const value = node.attrs[name];
  delete node.attrs[name];
  if (value === undefined) return;
  while (node.inputs.length < position) node.inputs.push("");
  node.inputs[position] = constant(name, int64s(value as readonly number[]));
}

function boundToInput(node: RawNode, name: string, position: number, constant: AddConstant): void {
  const value = node.attrs[name];
  delete node.attrs[name];
  if (typeof value !== "number") return;
  while (node.inputs.length < position) node.inputs.push("");
  node.inputs[position] = constant(name, scalar("float32", value));
}

const axesBefore =
  (changed: number): Upgrade =>
  (node, opset, constant) => {
    if (opset < changed) listToInput(node, "axes", 1, constant);
  };

/** What changed between opset 7 and IR_OPSET, by operator (ONNX Changelog.md). Operators that are not listed did not change in a way that matters. */
export const UPGRADES: Readonly<Record<string, Upgrade>> = {
  Squeeze: axesBefore(13),
  Unsqueeze: axesBefore(13),
  ReduceSum: axesBefore(13),
  ReduceMean: axesBefore(18),
  ReduceMax: axesBefore(18),
  ReduceMin: axesBefore(18),
  ReduceProd: axesBefore(18),
  ReduceL2: axesBefore(18),
  ReduceSumSquare: axesBefore(18),
  Split: (node, opset, constant) => {
    if (opset < 13) listToInput(node, "split", 1, constant);
  },
  Clip: (node, opset, constant) => {
    if (opset >= 11) return;
    boundToInput(node, "min", 1, constant);
    boundToInput(node, "max", 2, constant);
  },
  Pad: (node, opset, constant) => {
    if (opset >= 11) return;
    listToInput(node, "pads", 1, constant);
    boundToInput(node, "value", 2, constant);
  },
  Slice: (node, opset, constant) => {
    if (opset >= 10) return;
    listToInput(node, "starts", 1, constant);
    listToInput(node, "ends", 2, constant);
    listToInput(node, "axes", 3, constant);
  },
  Dropout: (node, opset) => {
    if (opset < 12) delete node.attrs.ratio;
    if (node.outputs.length > 1) node.outputs.length = 1;
    node.inputs.length = 1;
  },
  BatchNormalization: (node, opset) => {
    if (opset < 9 && node.attrs.spatial === 0)
      throw new EspalierError("unsupported", "BatchNormalization with spatial=0 is not supported");
    delete node.attrs.spatial;
    delete node.attrs.is_test;
    // Up to opset 13 the extra outputs exist only while training; exporters list them all the same.
    if (opset < 14 && node.outputs.length > 1) node.outputs.length = 1;
  },
  Softmax: (node, opset) => softmaxBefore13(node, opset),
  LogSoftmax: (node, opset) => softmaxBefore13(node, opset),
  Gemm: (node, opset) => {
    if (opset < 7) delete node.attrs.broadcast;
  },
};

/** Before opset 13 the input was flattened to 2-D at `axis` (default 1); over the last axis both mean the same. */
function softmaxBefore13(node: RawNode, opset: number): void {
  if (opset < 13) node.attrs.axis ??= 1;
}
