export { decodeTflite, TFLITE_IDENTIFIER } from "./decode.ts";
export { encodeTflite } from "./encode.ts";
export type { ActivationFunctionType, MirrorPadMode, Padding, TensorType } from "./generated/enums.ts";
export { BuiltinOperator } from "./generated/enums.ts";
export type {
  TfliteDType,
  TfliteMetadata,
  TfliteModel,
  TfliteOperator,
  TfliteOptions,
  TfliteOptionsByType,
  TfliteOptionsType,
  TfliteQuantization,
  TfliteSignature,
  TfliteSignatureTensor,
  TfliteSubgraph,
  TfliteTensor,
} from "./model.ts";
export { operatorVersion } from "./operator-version.ts";
export { optionsAs, tfliteOptions } from "./options.ts";
export { tfliteByteLength, validateTflite } from "./validate.ts";
