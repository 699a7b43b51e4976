import { EspalierError } from "../../../diagnostics/index.ts";
import { BuiltinOperator } from "./generated/enums.ts";
import { tfliteSchema } from "./generated/schema.ts";
import type {
  Buffer,
  Model,
  Operator,
  OperatorCode,
  QuantizationParameters,
  SubGraph,
  Tensor,
} from "./generated/types.ts";
import type {
  TfliteDType,
  TfliteMetadata,
  TfliteModel,
  TfliteOperator,
  TfliteQuantization,
  TfliteSignature,
  TfliteSubgraph,
  TfliteTensor,
} from "./model.ts";
import { readFlatbuffer } from "./read-table.ts";
import { validateTflite } from "./validate.ts";

/** Identifier at bytes 4 to 8 of every .tflite file. */
export const TFLITE_IDENTIFIER = "TFL3";

const operatorNames = new Map<number, BuiltinOperator>(
  Object.entries(BuiltinOperator).map(([name, code]) => [code, name as BuiltinOperator]),
);

/**
 * Reads a .tflite file. The input is not trusted: every offset, size and index is checked. Buffers, metadata and custom
 * options are views into `bytes`. Throws EspalierError "input" when the file is malformed, "unsupported" when it is newer
 * than the schema or keeps its weights in another file.
 */
export function decodeTflite(bytes: Uint8Array): TfliteModel {
  const raw = readFlatbuffer(tfliteSchema, "Model", bytes, TFLITE_IDENTIFIER) as unknown as Model;
  const buffers = (raw.buffers ?? []).map((buffer, index) => readBuffer(buffer, index, bytes));
  const opcodes = (raw.operatorCodes ?? []).map(readOpcode);
  const model: TfliteModel = {
    version: raw.version,
    description: raw.description ?? "",
    subgraphs: (raw.subgraphs ?? []).map((subgraph, index) => readSubgraph(subgraph, index, opcodes, bytes)),
    buffers,
    metadata: (raw.metadata ?? []).map((entry): TfliteMetadata => {
      const data = buffers[entry.buffer];
      if (data === undefined)
        throw outOfRange("buffer", entry.buffer, buffers.length, `metadata ${JSON.stringify(entry.name ?? "")}`);
      return { name: entry.name ?? "", bytes: data };
    }),
    signatures: (raw.signatureDefs ?? []).map(
      (signature): TfliteSignature => ({
        key: signature.signatureKey ?? "",
        subgraph: signature.subgraphIndex,
        inputs: (signature.inputs ?? []).map((entry) => ({ name: entry.name ?? "", tensor: entry.tensorIndex })),
        outputs: (signature.outputs ?? []).map((entry) => ({ name: entry.name ?? "", tensor: entry.tensorIndex })),
      }),
    ),
  };
  validateTflite(model);
  return model;
}

/** Data inside the table, or (files beyond 2 GiB) at an absolute position behind the flatbuffer: schema.fbs, Buffer. */
function readBuffer(buffer: Buffer, index: number, bytes: Uint8Array): Uint8Array {
  if (buffer.offset > 1n) return slice(bytes, buffer.offset, buffer.size, `buffer ${index}`);
  return buffer.data ?? new Uint8Array(0);
}

function slice(bytes: Uint8Array, offset: bigint, size: bigint, where: string): Uint8Array {
  if (offset + size > BigInt(bytes.length)) {
    throw new EspalierError("input", `${size} bytes at ${offset} lie outside the file of ${bytes.length} bytes`, {
      where,
    });
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset + Number(offset), Number(size));
}

interface Opcode {
  readonly opcode: BuiltinOperator;
  readonly customCode?: string;
  readonly version: number;
}

/** Codes up to 126 stand in the old one-byte field too; 127 there says "look at builtin_code" (the maximum is the code). */
function readOpcode(raw: OperatorCode, index: number): Opcode {
  const deprecated = operatorNames.get(raw.deprecatedBuiltinCode);
  if (deprecated === undefined) {
    throw new EspalierError("input", `Operator code ${raw.deprecatedBuiltinCode} does not exist`, {
      where: `operator code ${index}`,
    });
  }
  const opcode = raw.deprecatedBuiltinCode > BuiltinOperator[raw.builtinCode] ? deprecated : raw.builtinCode;
  if (opcode === undefined) throw new EspalierError("input", `Operator code ${index} names no operator`);
  return { opcode, ...(raw.customCode === undefined ? {} : { customCode: raw.customCode }), version: raw.version };
}

function readSubgraph(raw: SubGraph, index: number, opcodes: readonly Opcode[], bytes: Uint8Array): TfliteSubgraph {
  return {
    ...(raw.name === undefined ? {} : { name: raw.name }),
    tensors: (raw.tensors ?? []).map((tensor, t) => readTensor(tensor, `subgraph ${index}, tensor ${t}`)),
    operators: (raw.operators ?? []).map((operator, o) => {
      const where = `subgraph ${index}, operator ${o}`;
      const code = opcodes[operator.opcodeIndex];
      if (code === undefined) throw outOfRange("operator code", operator.opcodeIndex, opcodes.length, where);
      return readOperator(operator, code, bytes, where);
    }),
    inputs: raw.inputs ?? [],
    outputs: raw.outputs ?? [],
  };
}

function readTensor(raw: Tensor, where: string): TfliteTensor {
  if (raw.externalBuffer !== 0) {
    throw new EspalierError("unsupported", "The tensor's data lie in another file", {
      where,
      hint: "Export the model with its weights inside the .tflite file.",
    });
  }
  const quantization = raw.quantization === undefined ? undefined : readQuantization(raw.quantization, where);
  return {
    name: raw.name ?? "",
    shape: raw.shape ?? [],
    ...(raw.shapeSignature === undefined || raw.shapeSignature.length === 0
      ? {}
      : { shapeSignature: raw.shapeSignature }),
    dtype: raw.type.toLowerCase() as TfliteDType,
    buffer: raw.buffer,
    ...(quantization === undefined ? {} : { quantization }),
    ...(raw.isVariable ? { isVariable: true } : {}),
    ...(raw.hasRank ? { hasRank: true } : {}),
    ...(raw.sparsity === undefined ? {} : { sparsity: raw.sparsity }),
    ...(raw.variantTensors === undefined ? {} : { variantTensors: raw.variantTensors }),
  };
}

/** Converters store an empty table for tensors that are not quantised: the same as none. */
function readQuantization(raw: QuantizationParameters, where: string): TfliteQuantization | undefined {
  const scales = raw.scale ?? [];
  const empty = scales.length === 0 && raw.details === undefined && !raw.min?.length && !raw.max?.length;
  if (empty) return undefined;
  const zeroPoints = (raw.zeroPoint ?? []).map((point) => {
    if (BigInt.asIntN(32, point) !== point)
      throw new EspalierError("input", `Zero point ${point} is beyond 32 bits`, { where });
    return Number(point);
  });
  return {
    scales,
    zeroPoints: zeroPoints.length === 0 ? scales.map(() => 0) : zeroPoints,
    quantizedDimension: raw.quantizedDimension,
    ...(raw.min === undefined || raw.min.length === 0 ? {} : { min: raw.min }),
    ...(raw.max === undefined || raw.max.length === 0 ? {} : { max: raw.max }),
    ...(raw.details === undefined ? {} : { details: raw.details }),
  };
}

function readOperator(raw: Operator, code: Opcode, bytes: Uint8Array, where: string): TfliteOperator {
  const large = raw.largeCustomOptionsOffset > 1n;
  const customOptions = large
    ? slice(bytes, raw.largeCustomOptionsOffset, raw.largeCustomOptionsSize, where)
    : raw.customOptions;
  const options = raw.builtinOptions ?? raw.builtinOptions2;
  return {
    ...code,
    inputs: raw.inputs ?? [],
    outputs: raw.outputs ?? [],
    ...(options === undefined ? {} : { options }),
    ...(customOptions === undefined ? {} : { customOptions }),
    ...(raw.intermediates === undefined || raw.intermediates.length === 0 ? {} : { intermediates: raw.intermediates }),
    ...(raw.mutatingVariableInputs === undefined || raw.mutatingVariableInputs.length === 0
      ? {}
      : { mutatingVariableInputs: raw.mutatingVariableInputs }),
  };
}

function outOfRange(what: string, index: number, count: number, where: string): EspalierError {
  return new EspalierError("input", `Refers to ${what} ${index}, the file has ${count}`, { where });
}
