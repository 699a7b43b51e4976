import { consumers, type Graph, type Node, producers, type Shape, valueById } from "../ir/index.ts";
import { contextOf, macsOf, type OpKind, resolveWindow, specOf } from "../ops/index.ts";
import type { Precision } from "./profile/index.ts";
import type { LayerKind, LayerWork } from "./work.ts";

/** Bytes of one element of weights and activations, and of a bias (TFLite quantisation keeps it in int32). */
const BYTES: Readonly<Record<Precision, { readonly element: number; readonly bias: number }>> = {
  float32: { element: 4, bias: 4 },
  float16: { element: 2, bias: 2 },
  int8: { element: 1, bias: 4 },
};

export interface ListWorkOptions {
  /** What the artifact will compute in. */
  readonly precision: Precision;
  /** Whether the runtime adds a residual inside the kernel that makes one operand (TensorRT does, TFLite does not). */
  readonly fuseResidual: boolean;
  /** Nodes whose weights hold a 2:4 pattern. */
  readonly sparse24?: ReadonlySet<string>;
}

const fusable: ReadonlySet<OpKind> = new Set<OpKind>(["conv", "matmul", "elementwise", "normalization", "pool"]);

/** Elements of one sample: the batch symbol counts as 1. */
function elements(shape: Shape): number {
  let size = 1;
  for (const dim of shape) if (typeof dim === "number") size *= dim;
  return size;
}

/** The work of every node of a float graph, per sample, at the precision that will be deployed. Q/DQ nodes are part of their neighbours and not listed. */
export function listWork(graph: Graph, options: ListWorkOptions): LayerWork[] {
  const producer = producers(graph);
  const readers = consumers(graph);
  const listed: LayerWork[] = [];
  for (const node of graph.nodes) {
    if (specOf(node.op).kind === "quantization") continue;
    listed.push(workOf(graph, node, options, isFused(graph, node, options, producer, readers)));
  }
  return listed;
}

type Producers = ReturnType<typeof producers>;
type Readers = ReturnType<typeof consumers>;

/** Whether the runtime computes this node inside the one that makes its first operand. */
function isFused(graph: Graph, node: Node, options: ListWorkOptions, producer: Producers, readers: Readers): boolean {
  const { kind } = specOf(node.op);
  const residual = options.fuseResidual && node.op === "Add";
  const activations = node.inputs.filter((id) => id !== null && valueById(graph, id).data === undefined);
  const isUnary = (kind === "elementwise" || kind === "normalization") && activations.length === 1;
  if (!isUnary && !residual) return false;
  return activations.some((id) => {
    const from = producer.get(id!);
    return (
      from !== undefined &&
      fusable.has(specOf(from.op).kind) &&
      readers.get(id!)?.length === 1 &&
      !graph.outputs.includes(id!)
    );
  });
}

function workOf(graph: Graph, node: Node, options: ListWorkOptions, fused: boolean): LayerWork {
  const { element, bias } = BYTES[options.precision];
  const output = valueById(graph, node.outputs[0]!).type.shape;
  let inputBytes = 0;
  let weightBytes = 0;
  node.inputs.forEach((id, i) => {
    if (id === null) return;
    const value = valueById(graph, id);
    if (value.data === undefined) inputBytes += elements(value.type.shape) * element;
    else if (value.type.dtype.startsWith("float")) weightBytes += value.data.data.length * (i === 2 ? bias : element);
  });
  const first = node.inputs[0];
  const input: Shape = first === null || first === undefined ? [] : valueById(graph, first).type.shape;
  const geometry = geometryOf(graph, node, input);
  return {
    node: node.name,
    op: node.op,
    kind: kindOf(graph, node, geometry.kernel, input),
    macs: macsOf(graph, node),
    inputBytes,
    weightBytes,
    outputBytes: elements(output) * element,
    inChannels: channels(input),
    outChannels: channels(output),
    ...geometry,
    outputSize: [spatial(output, 2), spatial(output, 3)],
    bytesPerElement: element,
    sparse24: options.sparse24?.has(node.name) ?? false,
    fused,
  };
}

/** The channel axis is 1 in the IR's layout; a matrix product's is its last. */
function channels(shape: Shape): number {
  const dim = shape.length === 3 ? shape[2] : shape[1];
  return typeof dim === "number" ? dim : 1;
}

function spatial(shape: Shape, axis: number): number {
  if (shape.length === 3) return axis === 2 && typeof shape[1] === "number" ? shape[1] : 1;
  const dim = shape[axis];
  return typeof dim === "number" ? dim : 1;
}

interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly strides: readonly number[];
  readonly kernel_shape?: readonly number[];
  readonly group?: number;
}

const noPadding = { auto_pad: "NOTSET" };

function geometryOf(graph: Graph, node: Node, input: Shape): Pick<LayerWork, "kernel" | "stride" | "groups"> {
  const { kind } = specOf(node.op);
  const pair = (list: readonly number[]): readonly [number, number] => [list[0] ?? 1, list[1] ?? 1];
  if (node.op.startsWith("Global"))
    return { kernel: [spatial(input, 2), spatial(input, 3)], stride: [1, 1], groups: 1 };
  if (kind !== "conv" && kind !== "pool") return { kernel: [1, 1], stride: [1, 1], groups: 1 };
  const attrs = contextOf(graph, node).attrs as unknown as WindowAttributes;
  const kernel =
    kind === "conv" ? valueById(graph, node.inputs[1]!).type.shape.slice(2).map(Number) : (attrs.kernel_shape ?? []);
  // DeformConv has no auto_pad.
  const window = resolveWindow(node.op, { ...noPadding, ...attrs }, kernel, input.slice(2));
  return { kernel: pair(window.kernel), stride: pair(window.strides), groups: attrs.group ?? 1 };
}

function kindOf(graph: Graph, node: Node, kernel: readonly [number, number], input: Shape): LayerKind {
  const { kind } = specOf(node.op);
  if (kind === "conv") {
    const group = (contextOf(graph, node).attrs as unknown as WindowAttributes).group ?? 1;
    if (group > 1) return group === channels(input) ? "depthwise" : "grouped";
    return kernel[0] === 1 && kernel[1] === 1 ? "pointwise" : "conv";
  }
  if (kind === "matmul") return "fc";
  if (kind === "normalization") return "elementwise";
  return kind === "quantization" ? "other" : kind;
}
