import type { OrtOptions } from "../runtimes/onnxruntime.ts";

/** Sessions that compute for long: idle threads sleep, so that other work on the machine does not double the time. */
export function sessionOptions(threads: number | undefined): OrtOptions {
  return threads === undefined ? { spinning: false } : { spinning: false, threads };
}
