export { createSession, fromOrt, type OrtOptions, type OrtSession, openOrt, runOnce, toOrt } from "./onnxruntime.ts";
export { summarise, type Timing, type TimingOptions, timeInterleaved } from "./timing.ts";
