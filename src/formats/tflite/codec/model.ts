/** A .tflite file as plain data. What decodeTflite returns, encodeTflite takes. */
import type { BuiltinOperator, TensorType } from "./generated/enums.ts";
import type {
  BuiltinOptions,
  BuiltinOptions2,
  BuiltinOptions2Members,
  BuiltinOptionsMembers,
  QuantizationDetails,
  SparsityParameters,
  VariantSubType,
} from "./generated/types.ts";

/** An element type of the format; the names that Espalier's own dtypes share mean the same. */
export type TfliteDType = Lowercase<TensorType>;

/** The options of every operator, by the schema's name of their table. */
export interface TfliteOptionsByType extends BuiltinOptionsMembers, BuiltinOptions2Members {}
export type TfliteOptionsType = keyof TfliteOptionsByType;
/** An options table, told apart by `type`: `{ type: "Conv2DOptions", padding: "SAME", strideW: 1, ... }`. */
export type TfliteOptions = BuiltinOptions | BuiltinOptions2;

/** real = scale * (q - zeroPoint), per tensor (one entry) or per slice of `quantizedDimension` (an entry a slice). */
export interface TfliteQuantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** The axis that the entries belong to; 0 and without meaning when there is one entry. */
  readonly quantizedDimension: number;
  /** The range seen in calibration: informative, no runtime uses it. */
  readonly min?: readonly number[];
  readonly max?: readonly number[];
  /** Blockwise and other schemes beyond scale and zero point. */
  readonly details?: QuantizationDetails;
}

export interface TfliteTensor {
  readonly name: string;
  /** Dimensions, all static; a batch that the runtime may change is 1 here and -1 in `shapeSignature`. */
  readonly shape: readonly number[];
  readonly shapeSignature?: readonly number[];
  readonly dtype: TfliteDType;
  /** Index into TfliteModel.buffers; a tensor whose buffer is empty (such as buffer 0) is computed, not constant. */
  readonly buffer: number;
  readonly quantization?: TfliteQuantization;
  /** State that survives from one run to the next. */
  readonly isVariable?: boolean;
  /** False says that the rank is unknown (`shape` is then empty); absent on most files, where an empty shape is a scalar. */
  readonly hasRank?: boolean;
  readonly sparsity?: SparsityParameters;
  readonly variantTensors?: readonly VariantSubType[];
}

export interface TfliteOperator {
  /** Name in the enumeration BuiltinOperator, such as "CONV_2D"; "CUSTOM" goes with `customCode`. */
  readonly opcode: BuiltinOperator;
  readonly customCode?: string;
  /** The operator's version. Left out when writing, it is derived from the operands as the TFLite converter does. */
  readonly version?: number;
  /** Indices into the subgraph's tensors; -1 is an optional operand that is absent. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: TfliteOptions;
  /** Flexbuffer of a custom operator. */
  readonly customOptions?: Uint8Array;
  readonly intermediates?: readonly number[];
  readonly mutatingVariableInputs?: readonly boolean[];
}

export interface TfliteSubgraph {
  readonly name?: string;
  readonly tensors: readonly TfliteTensor[];
  /** In the order of execution. */
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface TfliteSignature {
  readonly key: string;
  readonly subgraph: number;
  readonly inputs: readonly TfliteSignatureTensor[];
  readonly outputs: readonly TfliteSignatureTensor[];
}

export interface TfliteSignatureTensor {
  readonly name: string;
  readonly tensor: number;
}

export interface TfliteMetadata {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A .tflite file as plain data: what `decodeTflite` gives and `encodeTflite` takes. */
export interface TfliteModel {
  /** Version of the schema: 3 for every file since 2018. */
  readonly version: number;
  readonly description: string;
  /** Subgraph 0 is the entry; others are bodies of control flow or further entries named by `signatures`. */
  readonly subgraphs: readonly TfliteSubgraph[];
  /** Constant data, little-endian. Entry 0 is empty by convention: tensors without data refer to it. */
  readonly buffers: readonly Uint8Array[];
  readonly metadata: readonly TfliteMetadata[];
  readonly signatures: readonly TfliteSignature[];
}
