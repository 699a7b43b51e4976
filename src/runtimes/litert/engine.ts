import { EspalierError } from "../../diagnostics/index.ts";
import { runtimeError, throwLoggedErrors } from "./log.ts";
import { type BufferHandle, instantiateLiteRt, type LiteRtModule, type ModelHandle } from "./wasm.ts";

/** A compiled model inside one instance of the runtime. Slots are in the order of the runtime's signature. */
export interface LiteRtEngine {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Copies bytes into an input slot; refuses another size than the slot has. */
  write(slot: number, bytes: Uint8Array): void;
  /** Sets an input slot to zeros. */
  clear(slot: number): void;
  /** Runs once and returns a copy of each output slot. */
  run(): Uint8Array[];
}

/** The thread count stands here and nowhere else: the build has no threads, and one thread keeps results reproducible. */
const THREADS = 1;

/**
 * Compiles a file for one of its signatures (0 when it names none). There is nothing to free one by one: the whole
 * instance, with its memory, goes when the engine is no longer referenced.
 */
export async function createEngine(bytes: Uint8Array, signature: number): Promise<LiteRtEngine> {
  const lines: string[] = [];
  const runtime = await instantiateLiteRt((line) => lines.push(line));
  const attempt = <T>(where: string, action: () => T): T => {
    lines.length = 0;
    let result: T;
    try {
      result = action();
    } catch (cause) {
      throw cause instanceof EspalierError ? cause : runtimeError(lines, where, cause);
    }
    throwLoggedErrors(lines, where);
    return result;
  };
  const compiled = attempt("LiteRT, loading the model", () => compile(runtime, bytes, signature));
  return {
    inputNames: compiled.inputNames,
    outputNames: compiled.outputNames,
    write: (slot, data) => attempt("LiteRT, inputs", () => fill(runtime, compiled.inputs[slot]!, data)),
    clear: (slot) => {
      const buffer = compiled.inputs[slot]!;
      attempt("LiteRT, inputs", () => fill(runtime, buffer, new Uint8Array(buffer.packedSize())));
    },
    run: () => attempt("LiteRT, running the model", () => compiled.run().map((buffer) => take(runtime, buffer))),
  };
}

interface Compiled {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputs: readonly BufferHandle[];
  run(): BufferHandle[];
}

function compile(runtime: LiteRtModule, bytes: Uint8Array, signature: number): Compiled {
  const environment = runtime.LiteRtEnvironment.create(null);
  // The runtime reads the weights in place, so this memory stays as long as the instance.
  const pointer = runtime._malloc(bytes.length);
  runtime.HEAPU8.set(bytes, pointer);
  const model = runtime.loadModel(environment, pointer, bytes.length);
  const compiled = runtime.compileModel(environment, model, {
    accelerator: "wasm",
    cpuOptions: { numThreads: THREADS },
    gpuOptions: {},
    webNNOptions: {},
    environment: { liteRtEnvironment: environment },
  });
  const { inputNames, outputNames } = namesOf(model, signature);
  const inputs = inputNames.map((_, slot) => {
    const type = model.getInputTensorType(signature, slot);
    const host = runtime.LiteRtTensorBufferType.HOST_MEMORY;
    const buffer = runtime.LiteRtTensorBuffer.createManaged(environment, host, type, type.bytes());
    type.delete();
    return buffer;
  });
  return { inputNames, outputNames, inputs, run: () => compiled.run(signature, inputs) };
}

function namesOf(model: ModelHandle, index: number): { inputNames: string[]; outputNames: string[] } {
  const signature = model.getSignature(index);
  const list = (vector: { size(): number; get(i: number): string; delete(): void }): string[] => {
    const names = Array.from({ length: vector.size() }, (_, i) => vector.get(i));
    vector.delete();
    return names;
  };
  const names = { inputNames: list(signature.inputNames()), outputNames: list(signature.outputNames()) };
  signature.delete();
  return names;
}

function fill(runtime: LiteRtModule, buffer: BufferHandle, data: Uint8Array): void {
  if (buffer.packedSize() !== data.length) {
    throw new EspalierError(
      "runtime",
      `The runtime's input has ${buffer.packedSize()} bytes, the tensor ${data.length}`,
    );
  }
  const pointer = buffer.lock(runtime.LiteRtTensorBufferLockMode.WRITE);
  runtime.HEAPU8.set(data, pointer);
  buffer.unlock();
}

/** Copies a buffer out and frees it. */
function take(runtime: LiteRtModule, buffer: BufferHandle): Uint8Array {
  const pointer = buffer.lock(runtime.LiteRtTensorBufferLockMode.READ);
  const bytes = runtime.HEAPU8.slice(pointer, pointer + buffer.packedSize());
  buffer.unlock();
  buffer.delete();
  return bytes;
}
