import { fromBinary } from "@bufbuild/protobuf";
import { EspalierError } from "../../diagnostics/index.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "./codec/generated/onnx_pb.ts";
import { externalLocations } from "./external.ts";

/** Opsets before 7 are read as far as their operators mean what they mean today. */
const LOWEST_OPSET = 1;
const HIGHEST_OPSET = 23;

/** A model with the graph that every file must hold. */
export type Model = ModelProto & { readonly graph: GraphProto };

/** Decodes an ONNX file; one that is none, is cut off, or holds no graph is refused. */
export function decodeModel(bytes: Uint8Array): Model {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new EspalierError("input", "This is not an ONNX model, or it is truncated", {
      hint: "Check that the file was copied whole; onnx.checker.check_model tells more.",
      cause,
    });
  }
  if (model.graph === undefined || (model.graph.node.length === 0 && model.graph.output.length === 0))
    throw new EspalierError("input", "The file holds no ONNX graph", {
      hint: "Give a file that was saved as an ONNX model.",
    });
  return model as Model;
}

/** Opset versions by domain; ONNX's own must be one that is supported. */
export function opsetsOf(model: Model): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of model.opsetImport) opsets.set(domain === "ai.onnx" ? "" : domain, Number(version));
  const opset = opsets.get("");
  if (opset === undefined)
    throw new EspalierError("input", `The model (IR version ${model.irVersion}) states no ONNX opset`, {
      hint: "Export it again; every model since ONNX 1.0 (2017) states one.",
    });
  if (opset < LOWEST_OPSET || opset > HIGHEST_OPSET)
    throw new EspalierError("unsupported", `Opset ${opset} is not supported`, {
      hint: `Export the model with an opset from 7 to ${HIGHEST_OPSET}.`,
    });
  return opsets;
}

/**
 * Paths of the files in which a model keeps weights, as the model writes them: relative to its folder when it is honest. The caller reads them,
 * confined to that folder, and hands them to `readOnnx`.
 */
export function externalFiles(bytes: Uint8Array): string[] {
  return externalLocations(decodeModel(bytes));
}

/** The operators of a file with their counts, without reading it fully: for messages about what is unsupported. */
export function listOperators(bytes: Uint8Array): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { opType } of decodeModel(bytes).graph.node) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return counts;
}
