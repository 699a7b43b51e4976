import { create } from "@bufbuild/protobuf";
import { EspalierError } from "../../diagnostics/index.ts";
import type { Attribute, Attributes } from "../../ir/index.ts";
import type { AttributeSpec } from "../../ops/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
} from "./codec/generated/onnx_pb.ts";
import type { ExternalFiles } from "./external.ts";
import { type DenseBudget, readSparse } from "./sparse.ts";
import { readTensor, writeTensor } from "./tensors.ts";

/** onnx.proto, enum AttributeProto.AttributeType. */
const KIND = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;
const GRAPH = 5;
const SPARSE = 11;

const text = new TextDecoder();
const bytes = new TextEncoder();

function integer(value: bigint, where: string): number {
  const number = Number(value);
  // Exporters write INT64_MAX for "to the end"; any bound beyond 2^53 means the same.
  return Number.isSafeInteger(number) ? number : inRange(number, where);
}

function inRange(value: number, where: string): number {
  if (Number.isNaN(value)) throw new EspalierError("input", "An integer attribute is not a number", { where });
  return value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

/** What attributes are read with: the files beside the model, and the values that a function's call gives to its references. */
export interface AttributeScope {
  readonly files: ExternalFiles;
  readonly budget: DenseBudget;
  readonly bound: ReadonlyMap<string, AttributeProto>;
}

/** Files older than IR version 2 do not state the type: it is told by the field that is set. */
function kindOf(proto: AttributeProto): number {
  if (proto.type !== 0) return proto.type;
  if (proto.t !== undefined) return KIND.tensor;
  if (proto.g !== undefined) return GRAPH;
  if (proto.floats.length > 0) return KIND.floats;
  if (proto.ints.length > 0) return KIND.ints;
  if (proto.strings.length > 0) return KIND.strings;
  if (proto.s.length > 0) return KIND.string;
  return proto.f !== 0 ? KIND.float : KIND.int;
}

function readAttribute(proto: AttributeProto, where: string, scope: AttributeScope): Attribute {
  switch (kindOf(proto)) {
    case KIND.float:
      return proto.f;
    case KIND.int:
      return integer(proto.i, where);
    case KIND.string:
      return text.decode(proto.s);
    case KIND.tensor:
      if (proto.t === undefined) throw new EspalierError("input", `Attribute "${proto.name}" is empty`, { where });
      return readTensor(proto.t, where, scope.files);
    case SPARSE:
      if (proto.sparseTensor === undefined)
        throw new EspalierError("input", `Attribute "${proto.name}" is empty`, { where });
      return readSparse(proto.sparseTensor, where, scope.files, scope.budget);
    case KIND.floats:
      return proto.floats;
    case KIND.ints:
      return proto.ints.map((value) => integer(value, where));
    case KIND.strings:
      return proto.strings.map((value) => text.decode(value));
    default:
      throw new EspalierError(
        "unsupported",
        `Attribute "${proto.name}" has type ${proto.type}, which is not supported`,
        {
          where,
          hint: "Supported: numbers, strings and tensors, and one sub-graph (If, Loop, Scan).",
        },
      );
  }
}

/** The attributes of a node with references to a function's attributes replaced by what its call gave; those it left out are absent. */
function resolved(node: NodeProto, bound: AttributeScope["bound"]): AttributeProto[] {
  return node.attribute.flatMap((proto) => {
    if (proto.refAttrName === "") return [proto];
    const value = bound.get(proto.refAttrName);
    return value === undefined ? [] : [{ ...value, name: proto.name }];
  });
}

/** All attributes of a node by name; sub-graphs are left out. */
export function readAttributes(node: NodeProto, where: string, scope: AttributeScope): Attributes {
  const own = resolved(node, scope.bound).filter((proto) => kindOf(proto) !== GRAPH);
  return Object.fromEntries(own.map((proto) => [proto.name, readAttribute(proto, where, scope)]));
}

/** The sub-graph in an attribute of a node. */
export function graphAttribute(node: NodeProto, name: string, where: string): GraphProto {
  const graph = node.attribute.find((proto) => proto.name === name)?.g;
  if (graph === undefined)
    throw new EspalierError("input", `${node.opType} needs the sub-graph "${name}", which is absent`, { where });
  return graph;
}

/** The attributes that a call gives to a function: its own, else the function's defaults. */
export function boundAttributes(
  node: NodeProto,
  defaults: readonly AttributeProto[],
  outer: AttributeScope["bound"],
): Map<string, AttributeProto> {
  return new Map([...defaults, ...resolved(node, outer)].map((proto) => [proto.name, proto]));
}

/** Encodes an attribute by the kind that the operator declares (a number alone does not tell int from float). */
export function writeAttribute(name: string, value: Attribute, kind: AttributeSpec<unknown>["kind"]): AttributeProto {
  const base = { name, type: KIND[kind] };
  switch (kind) {
    case "float":
      return create(AttributeProtoSchema, { ...base, f: value as number });
    case "int":
      return create(AttributeProtoSchema, { ...base, i: BigInt(value as number) });
    case "string":
      return create(AttributeProtoSchema, { ...base, s: bytes.encode(value as string) });
    case "tensor":
      return create(AttributeProtoSchema, { ...base, t: writeTensor(value as Tensor, "") });
    case "floats":
      return create(AttributeProtoSchema, { ...base, floats: [...(value as readonly number[])] });
    case "ints":
      return create(AttributeProtoSchema, { ...base, ints: (value as readonly number[]).map((v) => BigInt(v)) });
    case "strings":
      return create(AttributeProtoSchema, {
        ...base,
        strings: (value as readonly string[]).map((v) => bytes.encode(v)),
      });
    default:
      return kind satisfies never;
  }
}
