import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
} from "../formats/onnx/codec/generated/onnx_pb.ts";
import { writeOnnx } from "../formats/onnx/index.ts";
import { type Graph, type Node, producers, type ValueId, valueById } from "../ir/index.ts";
import { BLOCKED_DOMAIN } from "./blocked-layout.ts";

/** Channels up to which blocked convolutions with computed weights are faster than ONNX Runtime's plain ones (measured, x86-64 with AVX-512). */
const MOST_CHANNELS = 64;
/** How much more work padding channels to whole blocks may make. */
const MOST_PADDING = 1.5;
/** AttributeProto.AttributeType. */
const [INT, INTS] = [2, 7];

type Shape = readonly number[];

/** A Conv that is to run blocked. */
interface Plan {
  readonly node: Node;
  readonly depthwise: boolean;
  readonly input: Shape;
  readonly weight: Shape;
}

function whole(channels: number, block: number): number {
  return Math.ceil(channels / block) * block;
}

/** Static shape of a float32 value of rank 4, or null. */
function imageShape(graph: Graph, id: ValueId | null | undefined): Shape | null {
  if (id === null || id === undefined) return null;
  const { dtype, shape } = valueById(graph, id).type;
  const fits = dtype === "float32" && shape.length === 4 && shape.every((dim) => typeof dim === "number");
  return fits ? (shape as Shape) : null;
}

function planOf(graph: Graph, node: Node, block: number): Plan | null {
  if (node.op !== "Conv" || node.inputs.length > 2) return null;
  const [input, weight] = [imageShape(graph, node.inputs[0]), imageShape(graph, node.inputs[1])];
  // ONNX Runtime itself does this for constant weights.
  if (input === null || weight === null || valueById(graph, node.inputs[1]!).data !== undefined) return null;
  const group = Number(node.attrs.group ?? 1);
  const [channels, maps] = [input[1]!, weight[0]!];
  const grown = (count: number) => whole(count, block) / count;
  if (group > 1) {
    const depthwise = group === channels && group === maps;
    return depthwise && channels % 4 === 0 && grown(channels) <= MOST_PADDING
      ? { node, depthwise, input, weight }
      : null;
  }
  if (weight[2]! * weight[3]! === 1 || Math.max(channels, maps) > MOST_CHANNELS) return null;
  // Fewer channels than a block are read from the plain layout.
  const few = channels < block;
  const more = grown(maps) * (few ? 1 : grown(channels));
  return more <= MOST_PADDING && (few || channels % 4 === 0) && maps % 4 === 0
    ? { node, depthwise: false, input, weight }
    : null;
}

/** Adds nodes to a model before the one that is being replaced. */
class Rewriter {
  readonly #graph: Graph;
  readonly #model: ModelProto;
  readonly #block: number;
  readonly #producers: ReadonlyMap<ValueId, Node>;
  /** Blocked forms of values by id, and constants by content. */
  readonly #blocked = new Map<ValueId, string>();
  readonly #constants = new Map<string, string>();
  #count = 0;
  #nodes: NodeProto[] = [];

  constructor(graph: Graph, model: ModelProto, block: number) {
    this.#graph = graph;
    this.#model = model;
    this.#block = block;
    this.#producers = producers(graph) as ReadonlyMap<ValueId, Node>;
  }

  #name(what: string): string {
    return `blocked.${what}.${this.#count++}`;
  }

  #node(opType: string, input: string[], attribute: AttributeProto[] = [], domain = ""): string {
    const name = this.#name(opType);
    this.#nodes.push(create(NodeProtoSchema, { opType, domain, name, input, output: [name], attribute }));
    return name;
  }

  #ints(values: Shape): string {
    const key = values.join(",");
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#name("ints");
    const data = { name, dataType: 7, dims: [BigInt(values.length)], int64Data: values.map(BigInt) };
    this.#model.graph!.initializer.push(create(TensorProtoSchema, data));
    this.#constants.set(key, name);
    return name;
  }

  #reshape(input: string, shape: Shape): string {
    return this.#node("Reshape", [input, this.#ints(shape)]);
  }

  /** The blocked form of an image tensor. What is reshaped from [N, C, H, W] to one image of N C channels shares that of its origin. */
  #reorder(id: ValueId, shape: Shape): string {
    const done = this.#blocked.get(id);
    if (done !== undefined) return done;
    const origin = this.#producers.get(id);
    const source = origin?.op === "Reshape" ? origin.inputs[0]! : null;
    const from = imageShape(this.#graph, source);
    const folds =
      from !== null &&
      from[1]! % this.#block === 0 &&
      from[0]! * from[1]! === shape[0]! * shape[1]! &&
      from[2] === shape[2];
    const made = folds
      ? this.#reshape(this.#reorder(source!, from), shape)
      : this.#node("ReorderInput", [valueById(this.#graph, id).name], [], BLOCKED_DOMAIN);
    this.#blocked.set(id, made);
    return made;
  }

  /** The weights of a depthwise convolution have the layout of an image with as many channels. */
  #depthwiseWeight({ node, weight }: Plan): string {
    const [channels, , rows, columns] = weight as [number, number, number, number];
    const id = node.inputs[1]!;
    const shape = [whole(channels, this.#block), 1, rows, columns];
    const origin = this.#producers.get(id);
    const source = origin?.op === "Reshape" ? origin.inputs[0]! : null;
    const from = imageShape(this.#graph, source);
    if (from !== null && from[1]! % this.#block === 0 && from[0]! * from[1]! === channels && from[2] === rows)
      return this.#reshape(this.#reorder(source!, from), shape);
    const image = this.#reshape(valueById(this.#graph, id).name, [1, channels, rows, columns]);
    return this.#reshape(this.#node("ReorderInput", [image], [], BLOCKED_DOMAIN), shape);
  }

  /** [M, C, ...] as [M/b, C/b, ..., b inputs, b outputs], or [M/b, C, ..., b outputs] where C is less than a block; channels padded with zeros. */
  #denseWeight({ node, weight }: Plan): string {
    const [maps, channels, rows, columns] = weight as [number, number, number, number];
    const b = this.#block;
    const few = channels < b;
    const [allMaps, all] = [whole(maps, b), few ? channels : whole(channels, b)];
    let name = valueById(this.#graph, node.inputs[1]!).name;
    if (allMaps !== maps || all !== channels)
      name = this.#node("Pad", [name, this.#ints([0, 0, 0, 0, allMaps - maps, all - channels, 0, 0])]);
    const split = few ? [allMaps / b, b, all, rows, columns] : [allMaps / b, b, all / b, b, rows, columns];
    const perm = few ? [0, 2, 3, 4, 1] : [0, 2, 4, 5, 3, 1];
    const turned = this.#node(
      "Transpose",
      [this.#reshape(name, split)],
      [create(AttributeProtoSchema, { name: "perm", type: INTS, ints: perm.map(BigInt) })],
    );
    return this.#reshape(turned, [allMaps, all, rows, columns]);
  }

  /** The nodes that stand for `proto`. */
  replace(proto: NodeProto, plan: Plan): NodeProto[] {
    this.#nodes = [];
    const { node, depthwise, input, weight } = plan;
    const few = !depthwise && input[1]! < this.#block;
    const x = few ? proto.input[0]! : this.#reorder(node.inputs[0]!, input);
    const w = depthwise ? this.#depthwiseWeight(plan) : this.#denseWeight(plan);
    const attributes = proto.attribute.map((own) =>
      own.name === "group" && depthwise ? { ...own, i: BigInt(whole(input[1]!, this.#block)) } : own,
    );
    const y = this.#node("Conv", [x, w], attributes, BLOCKED_DOMAIN);
    const channels = create(AttributeProtoSchema, { name: "channels", type: INT, i: BigInt(weight[0]!) });
    this.#nodes.push(
      create(NodeProtoSchema, {
        opType: "ReorderOutput",
        domain: BLOCKED_DOMAIN,
        name: proto.name,
        input: [y],
        output: [...proto.output],
        attribute: [channels],
      }),
    );
    return this.#nodes;
  }
}

/**
 * ONNX bytes of a graph for ONNX Runtime on this processor: convolutions whose weights are computed, which it leaves in the plain layout, run in its blocked
 * layout where that is faster (depthwise ones, and small ones with at most 64 channels). `block` is `blockSize()`; with 1 the bytes are those of `writeOnnx`.
 */
export function writeBlocked(graph: Graph, block: number): Uint8Array {
  const bytes = writeOnnx(graph);
  if (block === 1) return bytes;
  const plans = new Map<string, Plan>();
  for (const node of graph.nodes) {
    const plan = planOf(graph, node, block);
    if (plan !== null) plans.set(valueById(graph, node.outputs[0]!).name, plan);
  }
  if (plans.size === 0) return bytes;
  const model = fromBinary(ModelProtoSchema, bytes);
  const rewriter = new Rewriter(graph, model, block);
  model.graph!.node = model.graph!.node.flatMap((proto) => {
    const plan = plans.get(proto.output[0]!);
    return plan === undefined ? [proto] : rewriter.replace(proto, plan);
  });
  model.opsetImport.push({ $typeName: "onnx.OperatorSetIdProto", domain: BLOCKED_DOMAIN, version: 1n });
  return toBinary(ModelProtoSchema, model);
}
