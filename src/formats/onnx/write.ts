import { create, toBinary } from "@bufbuild/protobuf";
import { type Graph, type Node, type TensorType, type Value, valueById } from "../../ir/index.ts";
import { IR_OPSET, specOf } from "../../ops/index.ts";
import { bytesOf, DTYPES, type Tensor } from "../../tensor/index.ts";
import { writeAttribute } from "./attributes.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./codec/generated/onnx_pb.ts";
import { tensorHeader } from "./tensors.ts";
import { concatenated, field, joined, type Parts, part } from "./wire.ts";

/** The IR version that came with an opset (ONNX docs/Versioning.md). */
const IR_VERSIONS: Readonly<Record<number, bigint>> = { 20: 9n, 21: 10n };

/** Numbers of the fields that are put together by hand (onnx.proto). */
const FIELD = { modelGraph: 7, graphInitializer: 5, tensorRawData: 9 } as const;

function typeInfo(value: Value): ValueInfoProto {
  const type: TensorType = value.type;
  const dim = type.shape.map((d) => ({
    value:
      typeof d === "number"
        ? ({ case: "dimValue", value: BigInt(d) } as const)
        : ({ case: "dimParam", value: d } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: { value: { case: "tensorType", value: { elemType: DTYPES[type.dtype].onnx, shape: { dim } } } },
  });
}

/** QuantizeLinear and DequantizeLinear know 16-bit integers from opset 21 on; all else that is written means the same there. */
function opsetFor(graph: Graph): number {
  const wide = (id: number | null | undefined) =>
    id !== null && id !== undefined && ["int16", "uint16"].includes(valueById(graph, id).type.dtype);
  const needs = graph.nodes.some(
    ({ op, inputs, outputs }) =>
      (op === "QuantizeLinear" && wide(outputs[0])) || (op === "DequantizeLinear" && wide(inputs[0])),
  );
  return needs ? 21 : IR_OPSET;
}

/** An empty list stands for "derive it", which ONNX spells by leaving the attribute out. */
function isDerived(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function nodeProto(graph: Graph, node: Node): NodeProto {
  const nameOf = (id: number | null) => (id === null ? "" : valueById(graph, id).name);
  const { attrs } = specOf(node.op);
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    input: node.inputs.map(nameOf),
    output: node.outputs.map(nameOf),
    attribute: Object.keys(node.attrs)
      .sort()
      .filter((name) => !isDerived(node.attrs[name]))
      .map((name) => writeAttribute(name, node.attrs[name]!, attrs[name]!.kind)),
  });
}

/** A weight with its bytes behind its header: a view, not a copy. */
function initialiser(data: Tensor, name: string): Parts {
  const header = part(toBinary(TensorProtoSchema, tensorHeader(data, name)));
  const raw = bytesOf(data);
  return concatenated(raw.length === 0 ? [header] : [header, field(FIELD.tensorRawData, part(raw))]);
}

/** Constants that nodes read or that are outputs, in that order. */
function constantsOf(graph: Graph): Value[] {
  const ids = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs]);
  return [...ids].flatMap((id) => {
    const value = id === null ? undefined : valueById(graph, id);
    return value?.data === undefined ? [] : [value];
  });
}

/** Writes the graph as an ONNX file at IR_OPSET (21 where 16-bit quantisation needs it). Equal graphs give equal bytes. */
export function writeOnnx(graph: Graph): Uint8Array {
  const opset = opsetFor(graph);
  const nodes = create(GraphProtoSchema, { name: graph.name, node: graph.nodes.map((node) => nodeProto(graph, node)) });
  const ports = create(GraphProtoSchema, {
    input: graph.inputs.map((id) => typeInfo(valueById(graph, id))),
    output: graph.outputs.map((id) => typeInfo(valueById(graph, id))),
  });
  const weights = constantsOf(graph).map(({ data, name }) => field(FIELD.graphInitializer, initialiser(data!, name)));
  const body = concatenated([
    part(toBinary(GraphProtoSchema, nodes)),
    ...weights,
    part(toBinary(GraphProtoSchema, ports)),
  ]);
  const head = create(ModelProtoSchema, { irVersion: IR_VERSIONS[opset]!, producerName: "espalier" });
  const metadataProps = Object.keys(graph.metadata)
    .sort()
    .map((key) => ({ key, value: graph.metadata[key]! }));
  const tail = create(ModelProtoSchema, { opsetImport: [{ domain: "", version: BigInt(opset) }], metadataProps });
  return joined(
    concatenated([
      part(toBinary(ModelProtoSchema, head)),
      field(FIELD.modelGraph, body),
      part(toBinary(ModelProtoSchema, tail)),
    ]),
  );
}
