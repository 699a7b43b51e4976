/**
 * The WebAssembly module inside @tensorflow/tfjs-tflite, used directly: TensorFlow Lite's interpreter of 2022, older than
 * LiteRT and, unlike LiteRT's module, with variable tensors, dynamic shapes and every integer type. The package's own
 * JavaScript loads it with a script tag, and converts int8 and int16 tensors to others.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import { EspalierError } from "../../diagnostics/index.ts";

interface Vector<T> {
  size(): number;
  get(index: number): T;
  delete(): void;
}

/** A tensor of the interpreter; `data` is a view of the module's memory, good until the next call. */
export interface TensorHandle {
  readonly id: number;
  readonly dataType: string;
  readonly name: string;
  /** "1,32,32,3"; "" for a scalar. */
  readonly shape: string;
  data(): ArrayBufferView & { readonly length: number };
}

/** An interpreter with a model. */
export interface RunnerHandle {
  GetInputs(): Vector<TensorHandle>;
  GetOutputs(): Vector<TensorHandle>;
  Infer(): boolean;
}

interface StatusOr<T> {
  ok(): boolean;
  errorMessage(): string;
  value(): T;
}

/** The part of the module's embind interface that is used here (declared in the package's dist/types). */
export interface TfliteModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  readonly TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(pointer: number, bytes: number, options: object): StatusOr<RunnerHandle>;
  };
}

type Program = object;
/** What is used of the WebAssembly interface, which TypeScript declares for browsers only. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<Program>;
  readonly Instance: new (program: Program, imports: object) => { readonly exports: object };
}
const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

type Factory = (settings: object) => Promise<TfliteModule>;

const require = createRequire(import.meta.url);
const PACKAGE = "@tensorflow/tfjs-tflite";
const BUILD = "tflite_web_api_cc_simd";

interface Package {
  readonly version: string;
  readonly factory: Factory;
  readonly program: Program;
}
let loaded: Promise<Package> | undefined;

function manifest(): string | null {
  try {
    return require.resolve(`${PACKAGE}/package.json`);
  } catch {
    return null;
  }
}

/** Whether the package is there: it is a development dependency of Espalier, not needed to deploy. */
export function hasSecondOpinion(): boolean {
  return manifest() !== null;
}

async function loadPackage(): Promise<Package> {
  const path = manifest();
  if (path === null) {
    throw new EspalierError("runtime", `The package ${PACKAGE} is not installed`, {
      hint: `Install it to run models that LiteRT for WebAssembly does not: npm install ${PACKAGE}`,
    });
  }
  const folder = join(dirname(path), "wasm");
  const file = join(folder, `${BUILD}.js`);
  const parameters = ["module", "exports", "require", "__filename", "__dirname"];
  const define = compileFunction(readFileSync(file, "utf8"), parameters, { filename: file });
  const script: { exports: unknown } = { exports: {} };
  define(script, script.exports, require, file, folder);
  const program = await webAssembly.compile(readFileSync(join(folder, `${BUILD}.wasm`)));
  const { version } = require(path) as { readonly version: string };
  return { version, factory: script.exports as Factory, program };
}

/** A fresh instance with memory of its own, and the version of the package. Every line that it logs goes to `log`. */
export async function instantiateTflite(
  log: (line: string) => void,
): Promise<{ readonly runtime: TfliteModule; readonly version: string }> {
  loaded ??= loadPackage();
  try {
    const { factory, program, version } = await loaded;
    const runtime = await factory({
      print: log,
      printErr: log,
      instantiateWasm: (imports: object, done: (instance: object, program: Program) => void) => {
        const instance = new webAssembly.Instance(program, imports);
        done(instance, program);
        return instance.exports;
      },
    });
    return { runtime, version };
  } catch (cause) {
    loaded = undefined;
    if (cause instanceof EspalierError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EspalierError("runtime", `${PACKAGE} does not load: ${message}`, { cause });
  }
}
