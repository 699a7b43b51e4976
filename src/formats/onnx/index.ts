export { listOperators, type ReadOnnxOptions, readOnnx } from "./read.ts";
export { writeOnnx } from "./write.ts";
