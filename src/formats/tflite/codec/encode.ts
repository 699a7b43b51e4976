import { EspalierError } from "../../../diagnostics/index.ts";
import { TFLITE_IDENTIFIER } from "./decode.ts";
import type { WireRecord } from "./field.ts";
import { BuiltinOperator, type TensorType } from "./generated/enums.ts";
import { tfliteSchema } from "./generated/schema.ts";
import type {
  BuiltinOptions,
  BuiltinOptions2,
  Model,
  Operator,
  OperatorCode,
  SubGraph,
  Tensor,
} from "./generated/types.ts";
import type { TfliteModel, TfliteOperator, TfliteOptions, TfliteSubgraph, TfliteTensor } from "./model.ts";
import { operatorVersion } from "./operator-version.ts";
import { validateTflite } from "./validate.ts";
import { writeFlatbuffer } from "./write-table.ts";

/** Largest flatbuffer: offsets have 31 bits. */
const MAX_BYTES = 2 ** 31 - 1;

/** Tables whose fields are the schema's but for those that are left out when they have their default. */
type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * Writes a .tflite file. The same model gives the same bytes. Constant data are aligned to 16 bytes, operator codes are
 * listed in the order of first use, in both the old and the new field, and missing operator versions are derived from the
 * operands. Metadata get buffers of their own behind those of the model, unless they share one already. Throws
 * EspalierError "input" when an index, a shape or a quantisation does not fit.
 */
export function encodeTflite(model: TfliteModel): Uint8Array {
  validateTflite(model);
  if (model.buffers.length > 0 && model.buffers[0]!.length > 0) {
    throw new EspalierError("input", `Buffer 0 has ${model.buffers[0]!.length} bytes, expected none`, {
      hint: "Tensors without data refer to buffer 0.",
    });
  }
  const total = model.buffers.reduce((bytes, buffer) => bytes + buffer.length + 16, 0);
  if (total > MAX_BYTES) {
    throw new EspalierError("unsupported", `Constants take ${total} bytes, a .tflite file holds at most ${MAX_BYTES}`);
  }
  const codes = new OperatorCodes(model);
  const buffers = [...model.buffers];
  const bufferOf = (bytes: Uint8Array): number => {
    const known = buffers.indexOf(bytes);
    return known >= 0 ? known : buffers.push(bytes) - 1;
  };
  const subgraphs = model.subgraphs.map((subgraph) => writeSubgraph(subgraph, codes));
  const metadata = model.metadata.map(({ name, bytes }) => ({ name, buffer: bufferOf(bytes) }));
  const signatures = model.signatures.map((signature) => ({
    signatureKey: signature.key,
    subgraphIndex: signature.subgraph,
    inputs: signature.inputs.map(({ name, tensor }) => ({ name, tensorIndex: tensor })),
    outputs: signature.outputs.map(({ name, tensor }) => ({ name, tensorIndex: tensor })),
  }));
  const raw: Loose<Model> = {
    version: model.version,
    description: model.description,
    operatorCodes: codes.list as OperatorCode[],
    subgraphs: subgraphs as SubGraph[],
    buffers: buffers.map((data) => ({ offset: 0n, size: 0n, ...(data.length === 0 ? {} : { data }) })),
    ...(metadata.length === 0 ? {} : { metadata }),
    ...(signatures.length === 0 ? {} : { signatureDefs: signatures }),
  };
  return writeFlatbuffer(
    tfliteSchema,
    "Model",
    raw as unknown as WireRecord,
    TFLITE_IDENTIFIER,
    expectedBytes(model, total),
  );
}

/** A little more than the file will have: constants, and the tables of a tensor (with its scales) and an operator. */
function expectedBytes(model: TfliteModel, constants: number): number {
  let tables = 4096;
  for (const { tensors, operators } of model.subgraphs) {
    tables += 160 * operators.length;
    for (const { name, shape, quantization } of tensors)
      tables += 160 + 2 * name.length + 8 * shape.length + 16 * (quantization?.scales.length ?? 0);
  }
  for (const { bytes } of model.metadata) tables += 64 + bytes.length;
  return constants + tables;
}

/** Gives each distinct (operator, custom name, version) its index, in the order of first use. */
class OperatorCodes {
  readonly list: Loose<OperatorCode>[] = [];
  readonly #indices = new Map<string, number>();
  readonly #derived: ReadonlyMap<BuiltinOperator, number>;

  constructor(model: TfliteModel) {
    this.#derived = derivedVersions(model);
  }

  indexOf({ opcode, customCode, version: given }: TfliteOperator): number {
    const version = given ?? this.#derived.get(opcode) ?? 1;
    const key = JSON.stringify([opcode, customCode ?? null, version]);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const code = BuiltinOperator[opcode];
    this.list.push({
      // Readers from before the new field see 127 for the operators that they cannot know.
      deprecatedBuiltinCode: Math.min(code, BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES),
      builtinCode: opcode,
      version,
      customCode,
    });
    this.#indices.set(key, this.list.length - 1);
    return this.list.length - 1;
  }
}

/** Like the converter, one entry an operator for the whole file, with the highest version that any of its uses needs. */
function derivedVersions(model: TfliteModel): Map<BuiltinOperator, number> {
  const versions = new Map<BuiltinOperator, number>();
  for (const { operators, tensors } of model.subgraphs) {
    for (const operator of operators) {
      if (operator.version !== undefined) continue;
      const needed = operatorVersion(operator, tensors);
      versions.set(operator.opcode, Math.max(versions.get(operator.opcode) ?? 1, needed));
    }
  }
  return versions;
}

function writeSubgraph(subgraph: TfliteSubgraph, codes: OperatorCodes): Loose<SubGraph> {
  return {
    name: subgraph.name,
    tensors: subgraph.tensors.map(writeTensor) as Tensor[],
    inputs: subgraph.inputs,
    outputs: subgraph.outputs,
    operators: subgraph.operators.map((operator) => writeOperator(operator, codes)) as Operator[],
  };
}

function writeTensor(tensor: TfliteTensor): Loose<Tensor> {
  const quantization = tensor.quantization;
  return {
    name: tensor.name,
    shape: tensor.shape,
    shapeSignature: tensor.shapeSignature,
    type: tensor.dtype.toUpperCase() as TensorType,
    buffer: tensor.buffer,
    quantization:
      quantization === undefined
        ? undefined
        : {
            ...(quantization.min === undefined ? {} : { min: quantization.min }),
            ...(quantization.max === undefined ? {} : { max: quantization.max }),
            ...(quantization.details === undefined ? {} : { details: quantization.details }),
            scale: quantization.scales,
            zeroPoint: quantization.zeroPoints.map((point) => BigInt(point)),
            quantizedDimension: quantization.quantizedDimension,
          },
    isVariable: tensor.isVariable,
    hasRank: tensor.hasRank,
    sparsity: tensor.sparsity,
    variantTensors: tensor.variantTensors,
  };
}

function writeOperator(operator: TfliteOperator, codes: OperatorCodes): Loose<Operator> {
  const { options } = operator;
  return {
    opcodeIndex: codes.indexOf(operator),
    inputs: operator.inputs,
    outputs: operator.outputs,
    ...(options === undefined
      ? {}
      : inFirstUnion(options)
        ? { builtinOptions: options }
        : { builtinOptions2: options as BuiltinOptions2 }),
    customOptions: operator.customOptions,
    intermediates: operator.intermediates,
    mutatingVariableInputs: operator.mutatingVariableInputs,
  };
}

function inFirstUnion(options: TfliteOptions): options is BuiltinOptions {
  return tfliteSchema.unions.BuiltinOptions?.includes(options.type) ?? false;
}
