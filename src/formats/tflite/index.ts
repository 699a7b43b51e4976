export {
  BuiltinOperator,
  decodeTflite,
  encodeTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteQuantization,
  type TfliteTensor,
} from "./codec/index.ts";
export { fusedActivation } from "./fusion.ts";
export { type Lowered, type LowerOptions, lowerToTflite, type TfliteInterface } from "./lower.ts";
export type { LoweringNote } from "./placement.ts";
export { type ReadTfliteOptions, readTflite, TFLITE_READ } from "./read/index.ts";
export { emitTflite, type WriteTfliteOptions, writeTflite } from "./write.ts";
