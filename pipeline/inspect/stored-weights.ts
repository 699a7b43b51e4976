import { fromBinary } from "@bufbuild/protobuf";
import { type GraphProto, ModelProtoSchema } from "../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { decodeTflite } from "../../src/formats/tflite/codec/index.ts";
import { dtypeFromOnnx } from "../../src/tensor/index.ts";
import type { ModelBytes } from "../model-file.ts";

/** The tensors of one element type that a file keeps. */
export interface StoredWeights {
  readonly dtype: string;
  readonly tensors: number;
  readonly elements: number;
}

/** How a file stores its constants: what the reader widens, unpacks or folds is still to be seen here. */
export function storedWeights(model: ModelBytes): StoredWeights[] {
  const sums = new Map<string, { tensors: number; elements: number }>();
  const add = (dtype: string, elements: number) => {
    const sum = sums.get(dtype) ?? { tensors: 0, elements: 0 };
    sums.set(dtype, { tensors: sum.tensors + 1, elements: sum.elements + elements });
  };
  listers[model.format](model.bytes, add);
  return [...sums]
    .map(([dtype, sum]) => ({ dtype, ...sum }))
    .sort((a, b) => b.elements - a.elements || (a.dtype < b.dtype ? -1 : 1));
}

type Add = (dtype: string, elements: number) => void;

const listers: Readonly<Record<ModelBytes["format"], (bytes: Uint8Array, add: Add) => void>> = {
  onnx: (bytes, add) => {
    const { graph } = fromBinary(ModelProtoSchema, bytes);
    if (graph !== undefined) listOnnx(graph, add, 0);
  },
  tflite: (bytes, add) => {
    const { subgraphs, buffers } = decodeTflite(bytes);
    for (const { tensors } of subgraphs)
      for (const { dtype, shape, buffer } of tensors)
        if (buffers[buffer]!.length > 0)
          add(
            dtype,
            shape.reduce((a, b) => a * b, 1),
          );
  },
  tfjs: (bytes, add) => {
    const manifest = (JSON.parse(new TextDecoder().decode(bytes)) as { weightsManifest?: unknown }).weightsManifest;
    for (const group of (Array.isArray(manifest) ? manifest : []) as { weights?: TfjsWeight[] }[])
      for (const { shape = [], dtype = "float32", quantization } of group.weights ?? [])
        add(
          quantization?.dtype ?? dtype,
          shape.reduce((a, b) => a * b, 1),
        );
  },
};

interface TfjsWeight {
  readonly shape?: readonly number[];
  readonly dtype?: string;
  readonly quantization?: { readonly dtype?: string };
}

/** Element types that files have and tensors here do not (onnx.proto, enum DataType). */
const ONLY_ONNX: Readonly<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  16: "bfloat16",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
};

function onnxName(type: number): string {
  return dtypeFromOnnx(type) ?? ONLY_ONNX[type] ?? `type ${type}`;
}

function listOnnx(graph: GraphProto, add: Add, depth: number): void {
  const count = (dims: readonly bigint[]) => dims.reduce((a, b) => a * Number(b), 1);
  for (const { dataType, dims } of graph.initializer) add(onnxName(dataType), count(dims));
  for (const node of graph.node) {
    for (const { name, t, g } of node.attribute) {
      if (node.opType === "Constant" && name === "value" && t !== undefined) add(onnxName(t.dataType), count(t.dims));
      if (g !== undefined && depth < 8) listOnnx(g, add, depth + 1);
    }
  }
}
