import { EspalierError } from "../../diagnostics/index.ts";
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from "./codec/generated/onnx_pb.ts";

/** Files beside the model by the path that the model names, as its caller has read them. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/** ONNX TensorProto.DataLocation.EXTERNAL. */
const EXTERNAL = 1;

export function isExternal(proto: TensorProto): boolean {
  return proto.dataLocation === EXTERNAL;
}

function entry(proto: TensorProto, key: string): string | undefined {
  return proto.externalData.find((pair) => pair.key === key)?.value;
}

function count(proto: TensorProto, key: string, fallback: number, where: string): number {
  const text = entry(proto, key);
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new EspalierError("input", `The ${key} of external data must be a number of bytes, it is "${text}"`, {
      where,
    });
  return value;
}

/** The bytes of a tensor that is stored in another file (ONNX docs/ExternalData.md); offset and length are checked against that file. */
export function externalBytes(proto: TensorProto, needed: number, files: ExternalFiles, where: string): Uint8Array {
  const location = entry(proto, "location");
  if (location === undefined)
    throw new EspalierError("input", "External data names no location", { where, hint: "The file is damaged." });
  const file = files.get(location);
  if (file === undefined)
    throw new EspalierError("input", `The weights are in the file "${location}", which was not given`, {
      where,
      hint: "Keep that file in the model's folder, under the name that the model states.",
    });
  const offset = count(proto, "offset", 0, where);
  const length = count(proto, "length", needed, where);
  if (length !== needed)
    throw new EspalierError("input", `The tensor needs ${needed} bytes, its external data has ${length}`, { where });
  if (offset + length > file.length)
    throw new EspalierError(
      "input",
      `The weights end at byte ${offset + length} of "${location}", which has ${file.length} bytes`,
      { where, hint: "Check that the file was copied whole." },
    );
  return file.subarray(offset, offset + length);
}

function* tensorsOfAttribute(attribute: AttributeProto): Generator<TensorProto> {
  if (attribute.t !== undefined) yield attribute.t;
  yield* attribute.tensors;
  if (attribute.sparseTensor !== undefined) yield* tensorsOfSparse(attribute.sparseTensor);
  if (attribute.g !== undefined) yield* tensorsOfGraph(attribute.g);
  for (const graph of attribute.graphs) yield* tensorsOfGraph(graph);
}

function* tensorsOfSparse(sparse: SparseTensorProto): Generator<TensorProto> {
  if (sparse.values !== undefined) yield sparse.values;
  if (sparse.indices !== undefined) yield sparse.indices;
}

function* tensorsOfNodes(nodes: readonly NodeProto[]): Generator<TensorProto> {
  for (const node of nodes) for (const attribute of node.attribute) yield* tensorsOfAttribute(attribute);
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) yield* tensorsOfSparse(sparse);
  yield* tensorsOfNodes(graph.node);
}

/** The locations of all external data of a model, each once, in the order of the file. */
export function externalLocations(model: ModelProto): string[] {
  const locations = new Set<string>();
  const note = (tensors: Iterable<TensorProto>) => {
    for (const tensor of tensors) {
      const location = isExternal(tensor) ? entry(tensor, "location") : undefined;
      if (location !== undefined) locations.add(location);
    }
  };
  if (model.graph !== undefined) note(tensorsOfGraph(model.graph));
  for (const { node } of model.functions) note(tensorsOfNodes(node));
  return [...locations];
}
