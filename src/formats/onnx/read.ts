import { fromBinary } from "@bufbuild/protobuf";
import { EspalierError, withContext } from "../../diagnostics/index.ts";
import type { Dim, Graph, GraphBuilder, TensorType, ValueId } from "../../ir/index.ts";
import { newBuilder } from "../../ops/index.ts";
import { dtypeFromOnnx, type Tensor } from "../../tensor/index.ts";
import { readAttributes } from "./attributes.ts";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from "./codec/generated/onnx_pb.ts";
import { readTensor } from "./tensors.ts";
import { type RawNode, UPGRADES } from "./upgrade.ts";

/** What the reader is told besides the bytes. */
export interface ReadOnnxOptions {
  /** Name for messages, normally the file's. */
  readonly name?: string;
  /** Shapes for inputs whose dimensions the file leaves open; a string stays symbolic. */
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
}

const LOWEST_OPSET = 7;
const HIGHEST_OPSET = 23;

/** Reads an ONNX file (opset 7 to 23) into the IR. Anything wrong with the file becomes an EspalierError that names the place. */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): Graph {
  const file = options.name ?? "model.onnx";
  try {
    const model = decode(bytes);
    return readGraph(model, options);
  } catch (error) {
    throw withContext(error, file);
  }
}

function decode(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new EspalierError("input", "This is not an ONNX model, or it is truncated", {
      hint: "Check that the file was copied whole; onnx.checker.check_model tells more.",
      cause,
    });
  }
  if (model.graph === undefined || (model.graph.node.length === 0 && model.graph.output.length === 0)) {
    throw new EspalierError("input", "The file holds no ONNX graph", {
      hint: "Give a file that was saved as an ONNX model.",
    });
  }
  return model;
}

function opsetOf(model: ModelProto): number {
  const main = model.opsetImport.find((entry) => entry.domain === "" || entry.domain === "ai.onnx");
  if (main === undefined)
    throw new EspalierError("input", "The model states no ONNX opset", {
      hint: "Export it again; every model since ONNX 1.0 (2017) states one.",
    });
  const opset = Number(main.version);
  if (opset < LOWEST_OPSET || opset > HIGHEST_OPSET) {
    throw new EspalierError("unsupported", `Opset ${opset} is not supported`, {
      hint: `Export the model with an opset from ${LOWEST_OPSET} to ${HIGHEST_OPSET}.`,
    });
  }
  return opset;
}

function readGraph(model: ModelProto, options: ReadOnnxOptions): Graph {
  const opset = opsetOf(model);
  const proto = model.graph!;
  const builder = newBuilder(proto.name === "" ? "model" : proto.name);
  const ids = new Map<string, ValueId>();
  const initialisers = new Map(proto.initializer.map((t) => [t.name, t]));
  if (proto.sparseInitializer.length > 0)
    throw new EspalierError("unsupported", "Sparse initialisers are not supported", {
      hint: "Store the weights densely.",
    });
  for (const info of proto.input) {
    if (initialisers.has(info.name)) continue; // before IR version 4 weights were listed as inputs too
    ids.set(info.name, builder.input(info.name, inputType(info, options)));
  }
  const resolve = (name: string, where: string): ValueId => {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const weight = initialisers.get(name);
    if (weight === undefined) throw new EspalierError("input", `Value "${name}" is read but never computed`, { where });
    const id = builder.constant(name, readTensor(weight, `initialiser "${name}"`));
    ids.set(name, id);
    return id;
  };
  for (const node of proto.node) readNode(node, opset, builder, ids, resolve);
  for (const info of proto.output) builder.output(resolve(info.name, "outputs"));
  builder.setMetadata(Object.fromEntries(model.metadataProps.map((entry) => [entry.key, entry.value])));
  return builder.build();
}

function inputType(info: ValueInfoProto, options: ReadOnnxOptions): TensorType {
  const where = `input "${info.name}"`;
  const type = info.type?.value;
  if (type?.case !== "tensorType")
    throw new EspalierError("unsupported", "Only tensor inputs are supported (no sequences, maps or optionals)", {
      where,
    });
  const dtype = dtypeFromOnnx(type.value.elemType);
  if (dtype === null)
    throw new EspalierError("unsupported", `ONNX data type ${type.value.elemType} is not supported`, { where });
  const given = options.inputShapes?.[info.name];
  if (given !== undefined) return { dtype, shape: given };
  const dims = type.value.shape?.dim;
  const hint = "Export the model with its sizes stated; only the batch, the first axis, may stay open.";
  if (dims === undefined)
    throw new EspalierError("input", "The model does not state the rank of this input", { where, hint });
  const shape = dims.map((dim, axis): Dim => {
    if (dim.value.case === "dimValue" && dim.value.value > 0n) return Number(dim.value.value);
    if (axis === 0) return "N";
    throw new EspalierError(
      "input",
      `Dimension ${axis} is not fixed (${dim.value.case === "dimParam" ? `"${dim.value.value}"` : "unknown"})`,
      { where, hint },
    );
  });
  return { dtype, shape };
}

type Resolve = (name: string, where: string) => ValueId;

function readNode(
  proto: NodeProto,
  opset: number,
  builder: GraphBuilder,
  ids: Map<string, ValueId>,
  resolve: Resolve,
): void {
  const label = proto.name === "" ? (proto.output[0] ?? proto.opType) : proto.name;
  const where = `node "${label}" (${proto.opType})`;
  if (proto.domain !== "" && proto.domain !== "ai.onnx") {
    throw new EspalierError(
      "unsupported",
      `Operator "${proto.opType}" belongs to the domain "${proto.domain}", which is not supported`,
      { where, hint: "Export the model with standard ONNX operators only." },
    );
  }
  const bind = (name: string, id: ValueId) => {
    if (ids.has(name)) throw new EspalierError("input", `Value "${name}" is computed twice`, { where });
    ids.set(name, id);
  };
  const raw: RawNode = {
    op: proto.opType,
    inputs: [...proto.input],
    attrs: { ...readAttributes(proto, where) },
    outputs: [...proto.output],
  };
  if (raw.op === "Constant") {
    bind(raw.outputs[0] ?? "", builder.constant(raw.outputs[0] ?? label, constantValue(raw, where)));
    return;
  }
  const added = new Map<string, ValueId>();
  const constant = (suffix: string, data: Tensor) => {
    const name = `\u0000${label}.${suffix}`; // NUL cannot clash with a name in the file
    added.set(name, builder.constant(`${label}.${suffix}`, data));
    return name;
  };
  UPGRADES[raw.op]?.(raw, opset, constant);
  while (raw.inputs.length > 0 && raw.inputs[raw.inputs.length - 1] === "") raw.inputs.pop();
  while (raw.outputs.length > 1 && raw.outputs[raw.outputs.length - 1] === "") raw.outputs.pop();
  const inputs = raw.inputs.map((name) => (name === "" ? null : (added.get(name) ?? resolve(name, where))));
  const outputs = builder.nodes(raw.op, inputs, raw.attrs, {
    name: label,
    outputNames: raw.outputs,
    outputs: raw.outputs.length,
  });
  outputs.forEach((id, i) => {
    if (raw.outputs[i] !== "") bind(raw.outputs[i]!, id);
  });
}

/** The value of a Constant node, in any of its spellings. */
function constantValue(raw: RawNode, where: string): Tensor {
  const { value, value_int, value_ints, value_float, value_floats } = raw.attrs;
  if (typeof value === "object" && !Array.isArray(value)) return value as Tensor;
  if (typeof value_int === "number") return { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value_int)) };
  if (Array.isArray(value_ints))
    return {
      dtype: "int64",
      shape: [value_ints.length],
      data: BigInt64Array.from(value_ints as number[], (v) => BigInt(v)),
    };
  if (typeof value_float === "number") return { dtype: "float32", shape: [], data: Float32Array.of(value_float) };
  if (Array.isArray(value_floats))
    return { dtype: "float32", shape: [value_floats.length], data: Float32Array.from(value_floats as number[]) };
  throw new EspalierError("unsupported", "This Constant holds neither a tensor nor numbers", { where });
}

/** The operators of a file with their counts, without reading it fully: for messages about what is unsupported. */
export function listOperators(bytes: Uint8Array): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const graph: GraphProto | undefined = decode(bytes).graph;
  for (const node of graph?.node ?? []) counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1);
  return counts;
}
