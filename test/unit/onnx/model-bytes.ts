import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  type TensorProto,
  ValueInfoProtoSchema,
} from "../../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { writeTensor } from "../../../src/formats/onnx/tensors.ts";
import { DTYPES, type DType, type Tensor } from "../../../src/tensor/index.ts";

type Given = number | string | readonly number[] | readonly string[] | Tensor | GraphProto | { readonly float: number };

const text = new TextEncoder();

function attribute(name: string, value: Given): AttributeProto {
  const make = (fields: object) => create(AttributeProtoSchema, { name, ...fields });
  if (typeof value === "number")
    return Number.isInteger(value) ? make({ type: 2, i: BigInt(value) }) : make({ type: 1, f: value });
  if (typeof value === "string") return make({ type: 3, s: text.encode(value) });
  if (Array.isArray(value)) {
    if (typeof value[0] === "string")
      return make({ type: 8, strings: value.map((item) => text.encode(item as string)) });
    return value.every((item) => Number.isInteger(item))
      ? make({ type: 7, ints: value.map((item) => BigInt(item as number)) })
      : make({ type: 6, floats: value });
  }
  if ("float" in (value as object)) return make({ type: 1, f: (value as { float: number }).float });
  if ("dtype" in (value as object)) return make({ type: 4, t: writeTensor(value as Tensor, name) });
  return make({ type: 5, g: value });
}

/** A node of a file; a number without fraction becomes an integer attribute, `{float}` a float. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attrs: Readonly<Record<string, Given>> = {},
  domain = "",
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    domain,
    attribute: Object.entries(attrs).map(([name, value]) => attribute(name, value)),
  });
}

/** An attribute that stands for one of the function it is in. */
export function reference(name: string, to: string, type: number): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName: to, type });
}

export interface Port {
  readonly name: string;
  readonly dtype?: DType;
  /** A number, a name, or null for a size that is not stated; absent: no shape at all. */
  readonly shape?: readonly (number | string | null)[];
}

function port({ name, dtype = "float32", shape }: Port) {
  const dim = shape?.map((size) => ({
    value:
      size === null
        ? { case: undefined }
        : typeof size === "number"
          ? ({ case: "dimValue", value: BigInt(size) } as const)
          : ({ case: "dimParam", value: size } as const),
  }));
  const value = { elemType: DTYPES[dtype].onnx, ...(dim === undefined ? {} : { shape: { dim } }) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value } } });
}

export interface GraphSpec {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly Port[];
  readonly outputs: readonly Port[];
  readonly weights?: Readonly<Record<string, Tensor>>;
  readonly initialisers?: readonly TensorProto[];
  readonly sparse?: readonly SparseTensorProto[];
}

/** A graph, or a sub-graph. */
export function graph(spec: GraphSpec): GraphProto {
  const weights = Object.entries(spec.weights ?? {}).map(([name, data]) => writeTensor(data, name));
  return create(GraphProtoSchema, {
    name: "g",
    node: [...spec.nodes],
    input: (spec.inputs ?? []).map(port),
    output: spec.outputs.map(port),
    initializer: [...weights, ...(spec.initialisers ?? [])],
    sparseInitializer: [...(spec.sparse ?? [])],
  });
}

/** A function of a model. */
export function modelFunction(spec: {
  readonly domain: string;
  readonly name: string;
  readonly input: string[];
  readonly output: string[];
  readonly node: NodeProto[];
  readonly attribute?: string[];
  readonly opset?: number;
}): FunctionProto {
  return create(FunctionProtoSchema, { ...spec, opsetImport: [{ domain: "", version: BigInt(spec.opset ?? 17) }] });
}

/** The bytes of a model at an opset, with com.microsoft at 1. */
export function modelBytes(
  spec: GraphSpec & {
    readonly opset?: number;
    readonly functions?: readonly FunctionProto[];
    readonly domains?: readonly string[];
  },
): Uint8Array {
  const { opset = 17, functions = [], domains = ["com.microsoft"] } = spec;
  const model = create(ModelProtoSchema, {
    irVersion: opset >= 21 ? 10n : 8n,
    opsetImport: [{ domain: "", version: BigInt(opset) }, ...domains.map((domain) => ({ domain, version: 1n }))],
    graph: graph(spec),
    functions: [...functions],
  });
  return toBinary(ModelProtoSchema, model);
}
