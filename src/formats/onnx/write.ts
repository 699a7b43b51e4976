import { create, toBinary } from "@bufbuild/protobuf";
import { type Graph, type TensorType, type Value, valueById } from "../../ir/index.ts";
import { IR_OPSET, specOf } from "../../ops/index.ts";
import { DTYPES } from "../../tensor/index.ts";
import { writeAttribute } from "./attributes.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./codec/generated/onnx_pb.ts";
import { writeTensor } from "./tensors.ts";

/** IR version 9 came with opset 20 (ONNX docs/Versioning.md). */
const IR_VERSION = 9n;

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

/** Writes the graph as an ONNX file at IR_OPSET. Equal graphs give equal bytes. */
export function writeOnnx(graph: Graph): Uint8Array {
  const nameOf = (id: number | null) => (id === null ? "" : valueById(graph, id).name);
  const constants = new Set<number>();
  for (const node of graph.nodes)
    for (const id of node.inputs) if (id !== null && valueById(graph, id).data !== undefined) constants.add(id);
  for (const id of graph.outputs) if (valueById(graph, id).data !== undefined) constants.add(id);
  const nodes = graph.nodes.map((node) => {
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
  });
  const proto = create(GraphProtoSchema, {
    name: graph.name,
    node: nodes,
    initializer: [...constants].map((id) => writeTensor(valueById(graph, id).data!, valueById(graph, id).name)),
    input: graph.inputs.map((id) => typeInfo(valueById(graph, id))),
    output: graph.outputs.map((id) => typeInfo(valueById(graph, id))),
  });
  const metadataProps = Object.keys(graph.metadata)
    .sort()
    .map((key) => ({ key, value: graph.metadata[key]! }));
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "espalier",
    opsetImport: [{ domain: "", version: BigInt(IR_OPSET) }],
    graph: proto,
    metadataProps,
  });
  return toBinary(ModelProtoSchema, model);
}

/** An empty list stands for "derive it", which ONNX spells by leaving the attribute out. */
function isDerived(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
