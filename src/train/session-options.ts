import type { OrtOptions } from "../runtimes/onnxruntime.ts";

/** Sessions that compute for long: idle threads sleep, so that other work on the machine does not double the time, and memory is not planned ahead. */
export function sessionOptions(threads: number | undefined): OrtOptions {
  const options = { spinning: false, memoryPattern: false } as const;
  return threads === undefined ? options : { ...options, threads };
}
