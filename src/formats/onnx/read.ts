import { EspalierError, withContext } from "../../diagnostics/index.ts";
import { newFoldingBuilder } from "../../fold/index.ts";
import type { Dim, Graph, ValueId } from "../../ir/index.ts";
import type { ValueInfoProto } from "./codec/generated/onnx_pb.ts";
import type { ExternalFiles } from "./external.ts";
import { mainFrame } from "./frame.ts";
import { type InterfaceOptions, readInterface } from "./interface.ts";
import { decodeModel, type Model, opsetsOf } from "./model.ts";
import { functionKey, readNode } from "./read-node.ts";
import { bind, type Frame, resolvePresent, Session, type TensorCache } from "./session.ts";
import { DenseBudget } from "./sparse.ts";

/** What the reader is told besides the bytes. */
export interface ReadOnnxOptions extends InterfaceOptions {
  /** Name for messages, normally the file's. */
  readonly name?: string;
  /** The files that `externalFiles` lists, by the path that it gives. */
  readonly files?: ExternalFiles;
}

/**
 * Reads an ONNX file (opset 7 to 23) into the IR: operators of older and newer opsets as they are at IR_OPSET, functions inlined, control flow
 * resolved, ONNX Runtime's own operators decomposed, what is computed from shapes folded. A model that cannot be read for any batch is read for a
 * batch of one. Anything wrong with the file becomes an EspalierError that names the place.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): Graph {
  try {
    const model = decodeModel(bytes);
    const reading = { opsets: opsetsOf(model), options, bytes: bytes.length, tensors: new Map() };
    try {
      return readModel(model, reading);
    } catch (error) {
      if (!isOpen(model) || !(error instanceof EspalierError) || error.code === "usage") throw error;
      return readModel(model, { ...reading, batch: 1 });
    }
  } catch (error) {
    throw withContext(error, options.name ?? "model.onnx");
  }
}

/** Inputs without those that have a weight for their default: before IR version 4 all weights were listed as inputs too. */
function ownInputs(model: Model): ValueInfoProto[] {
  const { graph } = model;
  const weights = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
  ]);
  return graph.input.filter(({ name }) => !weights.has(name));
}

/** Whether some input leaves its first size open, which is then read as the batch. */
function isOpen(model: Model): boolean {
  return ownInputs(model).some(({ type }) => {
    const dim = type?.value.case === "tensorType" ? type.value.value.shape?.dim[0]?.value : undefined;
    return dim !== undefined && !(dim.case === "dimValue" && dim.value > 0n);
  });
}

interface Reading {
  readonly opsets: ReadonlyMap<string, number>;
  readonly options: ReadOnnxOptions;
  /** Size of the file. */
  readonly bytes: number;
  readonly tensors: TensorCache;
  /** The batch, when it is to be a number. */
  readonly batch?: Dim;
}

function readModel(model: Model, reading: Reading): Graph {
  const { graph } = model;
  const builder = newFoldingBuilder(graph.name === "" ? "model" : graph.name, { fileBytes: reading.bytes });
  const functions = model.functions.map(
    (proto) => [functionKey(proto.domain, proto.name, proto.overload), proto] as const,
  );
  const files = reading.options.files ?? new Map();
  const session = new Session({
    builder,
    graph,
    functions: new Map(functions),
    files,
    budget: new DenseBudget(reading.bytes),
    tensors: reading.tensors,
    readNode,
  });
  const frame = mainFrame(session, graph, reading.opsets);
  for (const { name, type, value } of readInterface(ownInputs(model), reading.options, reading.batch)) {
    const id = value === null ? builder.input(name, type) : builder.constant(name, value);
    bind(frame, name, id, `input "${name}"`);
  }
  for (const node of graph.node) readNode(session, frame, node);
  for (const { name } of graph.output) builder.output(output(session, frame, name));
  builder.setMetadata(Object.fromEntries(model.metadataProps.map((entry) => [entry.key, entry.value])));
  return builder.build();
}

/** The value of an output under the file's name for it: a value that has another name already goes through an Identity. */
function output(session: Session, frame: Frame, name: string): ValueId {
  const id = resolvePresent(session, frame, name, `output "${name}"`);
  const zeros = session.zeros.get(id);
  if (zeros !== undefined) throw zeros;
  if (session.builder.value(id).name === name) return id;
  return session.nodes("Identity", [id], {}, { name, outputNames: [name] })[0]!;
}
