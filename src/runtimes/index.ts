export type { ModelRunner, RunnerPort } from "./model-runner.ts";
export { onnxRuntimeVersion, openOnnxRunner } from "./onnx-runner.ts";
export { createSession, fromOrt, type OrtOptions, type OrtSession, openOrt, runOnce, toOrt } from "./onnxruntime.ts";
export { openTfjsRunner } from "./tfjs-runner.ts";
export { tflitePorts } from "./tflite-ports.ts";
export { openTfliteRunner, type TfliteRunnerOptions } from "./tflite-runner.ts";
export { summarise, type Timing, type TimingOptions, timeInterleaved } from "./timing.ts";
