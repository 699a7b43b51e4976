import type { GraphModel } from "@tensorflow/tfjs-converter";
import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { EspalierError } from "../../diagnostics/index.ts";
import { addChainedOperators } from "./chained-operators.ts";
import { borrowKernels } from "./missing-kernels.ts";

/** TensorFlow.js with its loaders, and the backends to try in order. */
export interface TfjsEngine {
  readonly core: typeof tf;
  readonly loadGraphModel: (handler: tf.io.IOHandler) => Promise<GraphModel>;
  readonly loadLayersModel: (handler: tf.io.IOHandler) => Promise<LayersModel>;
  /** Best first; the last one has every operator. */
  readonly backends: readonly Backend[];
}

/** A backend: TF.js's name for it, and ours for people. */
export interface Backend {
  readonly name: string;
  readonly label: string;
}

const cpu: Backend = { name: "cpu", label: "cpu" };

/** tfjs-node, as far as it is used: it is optional, so its types may not be installed. */
interface NodePackage {
  readonly version: Readonly<Record<string, string>>;
  readonly loadGraphModel: TfjsEngine["loadGraphModel"];
  readonly loadLayersModel: TfjsEngine["loadLayersModel"];
}

/** The native engine, or null where it is not installed or its library does not load. */
async function nodeEngine(): Promise<TfjsEngine | null> {
  const specifier: string = "@tensorflow/tfjs-node";
  try {
    const module = (await import(specifier)) as { default?: NodePackage } & NodePackage;
    const native = module.default ?? module;
    const label = `tfjs-node ${native.version["tfjs-node"] ?? ""}`.trim();
    return {
      core: native as unknown as typeof tf,
      loadGraphModel: native.loadGraphModel,
      loadLayersModel: native.loadLayersModel,
      backends: [{ name: "tensorflow", label }, cpu],
    };
  } catch {
    return null;
  }
}

/** Whether the WebAssembly backend starts. Its loader adds handlers that turn unhandled errors of anybody into crashes: they are taken off. */
async function startWasm(core: typeof tf): Promise<boolean> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => process.listeners(event as "uncaughtException"));
  try {
    await import("@tensorflow/tfjs-backend-wasm");
    // One thread: the same sums in the same order each time, and no workers that keep the process alive.
    core.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    return await core.setBackend("wasm");
  } catch {
    return false;
  } finally {
    events.forEach((event, i) => {
      for (const listener of process.listeners(event as "uncaughtException"))
        if (!before[i]!.includes(listener)) process.removeListener(event, listener);
    });
  }
}

async function portableEngine(): Promise<TfjsEngine> {
  const core = await import("@tensorflow/tfjs-core");
  core.env().set("PROD", true); // no banner that advertises tfjs-node
  await import("@tensorflow/tfjs-backend-cpu");
  const hasWasm = await startWasm(core);
  if (hasWasm) borrowKernels(core);
  addChainedOperators(core);
  const { loadGraphModel } = await import("@tensorflow/tfjs-converter");
  const { loadLayersModel } = await import("@tensorflow/tfjs-layers");
  return { core, loadGraphModel, loadLayersModel, backends: hasWasm ? [{ name: "wasm", label: "wasm" }, cpu] : [cpu] };
}

let started: Promise<TfjsEngine> | undefined;

/** TensorFlow.js on the best backend there is: tfjs-node where it is installed, else WebAssembly, else plain JavaScript. Started once. */
export function tfjsEngine(): Promise<TfjsEngine> {
  started ??= nodeEngine()
    .then((engine) => engine ?? portableEngine())
    .catch((cause: unknown) => {
      started = undefined;
      throw new EspalierError(
        "runtime",
        `TensorFlow.js does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          hint: "Install the packages again (npm ci).",
          cause,
        },
      );
    });
  return started;
}

let queue: Promise<unknown> = Promise.resolve();

/** Runs one piece of work at a time: the backend in use is global to TensorFlow.js. */
export function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work, work);
  queue = result.catch(() => undefined);
  return result;
}
