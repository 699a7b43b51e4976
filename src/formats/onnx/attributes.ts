import { create } from "@bufbuild/protobuf";
import { EspalierError } from "../../diagnostics/index.ts";
import type { Attribute, Attributes } from "../../ir/index.ts";
import type { AttributeSpec } from "../../ops/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type AttributeProto, AttributeProtoSchema, type NodeProto } from "./codec/generated/onnx_pb.ts";
import { readTensor, writeTensor } from "./tensors.ts";

/** onnx.proto, enum AttributeProto.AttributeType. */
const KIND = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

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

function readAttribute(proto: AttributeProto, where: string): Attribute {
  switch (proto.type) {
    case KIND.float:
      return proto.f;
    case KIND.int:
      return integer(proto.i, where);
    case KIND.string:
      return text.decode(proto.s);
    case KIND.tensor:
      if (proto.t === undefined) throw new EspalierError("input", `Attribute "${proto.name}" is empty`, { where });
      return readTensor(proto.t, where);
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
          hint: "Operators with sub-graphs (If, Loop, Scan) cannot be deployed; export the model without control flow.",
        },
      );
  }
}

/** All attributes of a node by name. */
export function readAttributes(node: NodeProto, where: string): Attributes {
  const attrs: Record<string, Attribute> = {};
  for (const proto of node.attribute) attrs[proto.name] = readAttribute(proto, where);
  return attrs;
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
