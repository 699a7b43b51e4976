export { externalFiles, listOperators } from "./model.ts";
export { type ReadOnnxOptions, readOnnx } from "./read.ts";
export { writeOnnx } from "./write.ts";
