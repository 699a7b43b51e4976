/**
 * The WebAssembly module inside @litertjs/core, used directly: the package's own JavaScript needs a browser's script loader
 * and takes float32, int32 and uint8 tensors only, while the module takes every element type.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import { EspalierError } from "../../diagnostics/index.ts";

/** A C++ object: `delete` frees it in the module's memory. */
export interface Handle {
  delete(): void;
}
interface Vector<T> extends Handle {
  size(): number;
  get(index: number): T;
}
export interface TensorTypeHandle extends Handle {
  bytes(): number;
}
interface SignatureHandle extends Handle {
  inputNames(): Vector<string>;
  outputNames(): Vector<string>;
}
export interface ModelHandle extends Handle {
  getNumSignatures(): number;
  getSignature(index: number): SignatureHandle;
  getInputTensorType(signature: number, index: number): TensorTypeHandle;
}
export interface BufferHandle extends Handle {
  lock(mode: unknown): number;
  unlock(): void;
  packedSize(): number;
}
export interface CompiledHandle extends Handle {
  run(signature: number, inputs: readonly BufferHandle[]): BufferHandle[];
}
export type EnvironmentHandle = Handle;

/** The part of the module's embind interface that is used here (declared in @litertjs/core/dist/index.d.ts as LiteRtWasm). */
export interface LiteRtModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  setupLogging(): void;
  readonly LiteRtEnvironment: { create(webGpuDevice: null): EnvironmentHandle };
  readonly LiteRtTensorBufferType: { readonly HOST_MEMORY: unknown };
  readonly LiteRtTensorBufferLockMode: { readonly READ: unknown; readonly WRITE: unknown };
  readonly LiteRtTensorBuffer: {
    createManaged(
      environment: EnvironmentHandle,
      bufferType: unknown,
      tensorType: TensorTypeHandle,
      bytes: number,
    ): BufferHandle;
  };
  loadModel(environment: EnvironmentHandle, pointer: number, bytes: number): ModelHandle;
  compileModel(environment: EnvironmentHandle, model: ModelHandle, options: object): CompiledHandle;
}

/** A compiled WebAssembly module, handed on unseen. */
type Program = object;

/** What is used of the WebAssembly interface, which TypeScript declares for browsers only. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<Program>;
  readonly Instance: new (program: Program, imports: object) => object;
}
const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

type Factory = (settings: object) => Promise<LiteRtModule>;

const require = createRequire(import.meta.url);
/** The build without relaxed SIMD: its results do not depend on the processor, and Node 20 runs it without a flag. */
const BUILD = "litert_wasm_compat_internal";

interface Package {
  readonly factory: Factory;
  readonly program: Program;
}
let loaded: Promise<Package> | undefined;

async function loadPackage(): Promise<Package> {
  const folder = join(dirname(require.resolve("@litertjs/core/package.json")), "wasm");
  const file = join(folder, `${BUILD}.js`);
  // An emscripten script in CommonJS style inside a package of ES modules: neither import nor require loads it.
  const define = compileFunction(
    readFileSync(file, "utf8"),
    ["module", "exports", "require", "__filename", "__dirname"],
    {
      filename: file,
    },
  );
  const script: { exports: unknown } = { exports: {} };
  define(script, script.exports, require, file, folder);
  const program = await webAssembly.compile(readFileSync(join(folder, `${BUILD}.wasm`)));
  return { factory: script.exports as Factory, program };
}

/** The version of the runtime, for reports. */
export function liteRtVersion(): string {
  return (require("@litertjs/core/package.json") as { readonly version: string }).version;
}

/**
 * A fresh instance with memory of its own (about 17 MB, 5 ms), so that a model that crashes the runtime takes nothing else
 * with it. Every line that the runtime logs goes to `log`. Throws EspalierError "runtime" when the package does not load.
 */
export async function instantiateLiteRt(log: (line: string) => void): Promise<LiteRtModule> {
  loaded ??= loadPackage();
  try {
    const { factory, program } = await loaded;
    const runtime = await factory({
      print: log,
      printErr: log,
      instantiateWasm: (imports: object, done: (instance: object, program: Program) => void) => {
        done(new webAssembly.Instance(program, imports), program);
      },
    });
    runtime.setupLogging();
    return runtime;
  } catch (cause) {
    loaded = undefined;
    throw new EspalierError(
      "runtime",
      `LiteRT does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        hint: "Install the package again (npm ci) and use Node 20.19 or newer.",
        cause,
      },
    );
  }
}
