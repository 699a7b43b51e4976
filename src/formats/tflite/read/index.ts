export { type ReadTfliteOptions, readTflite } from "./read.ts";
export { TFLITE_READ } from "./table.ts";
