import type { FileNode, Upgrade } from "../file-node.ts";

/** Moves an integer-list attribute to an input position, as newer opsets have it. */
function listToInput(node: FileNode, name: string, position: number): void {
  const value = node.list(name);
  const given = node.take(name) !== undefined;
  if (given) node.setInput(position, node.ints(name, value));
}

/** Moves a number to an input of the dtype of input 0. */
function numberToInput(node: FileNode, name: string, position: number): void {
  const value = node.number(name, 0);
  if (node.take(name) !== undefined) node.setInput(position, node.scalar(name, value, node.type(node.input(0)).dtype));
}

/** `axes` was an attribute before the opset that made it an input. */
export const axesBefore =
  (changed: number): Upgrade =>
  (node) => {
    if (node.opset < changed) listToInput(node, "axes", 1);
  };

/** ONNX Split-13 made `split` an input; Split-18 wants the number of parts where there is none. */
export const split: Upgrade = (node) => {
  if (node.opset < 13) listToInput(node, "split", 1);
  if (node.opset < 18 && node.optional(1) === null) node.attrs.num_outputs = node.outputs.length;
};

/** ONNX Clip-11 made the bounds inputs. */
export const clip: Upgrade = (node) => {
  if (node.opset >= 11) return;
  numberToInput(node, "min", 1);
  numberToInput(node, "max", 2);
};

/** ONNX Pad-11 made pads and value inputs. */
export const pad: Upgrade = (node) => {
  if (node.opset >= 11) return;
  listToInput(node, "pads", 1);
  numberToInput(node, "value", 2);
};

/** From here on an end means "to the end": exporters write INT64_MAX, INT32_MAX and, for TensorFlow's masked ends, a thousand million. */
const toTheEnd = 1e9;

/** Takes axes out of a Slice that it leaves whole and whose size is open: the batch. */
function dropWholeAxes(node: FileNode): void {
  const x = node.input(0);
  const shape = node.shape(x);
  if (!shape.some((dim) => typeof dim === "string")) return;
  const starts = node.numbers(node.optional(1));
  const axes = node.optional(3) === null ? starts?.map((_, i) => i) : node.numbers(node.optional(3));
  const steps = node.optional(4) === null ? starts?.map(() => 1) : node.numbers(node.optional(4));
  const stops = node.session.builder.sizes(node.input(2));
  if (starts === null || stops === null || !Array.isArray(axes) || !Array.isArray(steps)) return;
  if ([stops, axes, steps].some((list) => list.length !== starts.length)) return;
  const kept = axes.flatMap((axis, i) => {
    const dim = shape[axis < 0 ? axis + shape.length : axis];
    const stop = stops[i]!;
    const whole = starts[i] === 0 && steps[i] === 1 && (stop === dim || (typeof stop === "number" && stop >= toTheEnd));
    return typeof dim === "string" && whole ? [] : [i];
  });
  if (kept.length === axes.length || kept.some((i) => typeof stops[i] === "string")) return;
  if (kept.length === 0) {
    node.op = "Identity";
    node.inputs = [x];
    return;
  }
  const lists = { starts, ends: stops as number[], axes, steps };
  node.inputs = [
    x,
    ...Object.entries(lists).map(([name, list]) =>
      node.ints(
        name,
        kept.map((i) => list[i]!),
      ),
    ),
  ];
}

/** ONNX Slice-10 made its operands inputs. */
export const slice: Upgrade = (node) => {
  if (node.opset < 10) {
    listToInput(node, "starts", 1);
    listToInput(node, "ends", 2);
    listToInput(node, "axes", 3);
  }
  dropWholeAxes(node);
};

/** ONNX TopK-10 made k an input. */
export const topK: Upgrade = (node) => {
  if (node.opset < 10) node.setInput(1, node.ints("k", [Number(node.take("k") ?? 0)]));
};

/** ONNX DFT-20 made the axis an input, and the one before the last its default. */
export const dft: Upgrade = (node) => {
  if (node.opset >= 20) return;
  const axis = node.number("axis", 1);
  node.take("axis");
  node.setInput(2, node.scalar("axis", axis, "int64"));
};
