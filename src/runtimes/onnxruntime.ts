import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { EspalierError } from "../diagnostics/index.ts";
import { writeOnnx } from "../formats/onnx/index.ts";
import type { Graph } from "../ir/index.ts";
import { DTYPES, type DType, type Tensor, type TypedArray, tensor } from "../tensor/index.ts";

/** How a session is opened. */
export interface OrtOptions {
  /** Intra-op threads; default: all that the process may use. */
  readonly threads?: number;
  /**
   * Whether idle threads wait in a busy loop; default true, which is right for measuring. Without, a long computation on a machine that does other work
   * too takes less than half the time.
   */
  readonly spinning?: boolean;
  /**
   * Whether the second run allocates all of its memory at once, by the pattern of the first; default true. What the first run took is not given back, so
   * that large graphs take half the memory without, and no more time.
   */
  readonly memoryPattern?: boolean;
  /** ONNX Runtime's own graph optimisations; default "all". */
  readonly optimise?: "all" | "basic" | "disabled";
  /** Contents of the files that the model keeps weights in, by the path that it states; without, ONNX Runtime finds no such file. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** A model loaded in ONNX Runtime (CPU). Close it when done: native memory is not collected. */
export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model once; feeds and results are keyed by value name. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** ONNX Runtime's tensor over the same memory. */
export function toOrt(t: Tensor): ort.Tensor {
  return new ort.Tensor(t.dtype as ort.Tensor.Type, t.data as never, t.shape as number[]);
}

/** Our tensor over the same memory; float16 arrives as bits whatever typed array the Node version gives. */
export function fromOrt(t: ort.Tensor): Tensor {
  const dtype = t.type as DType;
  if (!Object.hasOwn(DTYPES, dtype))
    throw new EspalierError(
      "runtime",
      `ONNX Runtime returned a tensor of type ${t.type}, which Espalier does not know`,
    );
  const data = t.data as unknown as TypedArray;
  const stored =
    dtype === "float16" && !(data instanceof Uint16Array)
      ? new Uint16Array((data as Uint8Array).buffer, (data as Uint8Array).byteOffset, (data as Uint8Array).length)
      : data;
  return tensor(dtype, [...t.dims], stored as never);
}

/** Loads a graph or ONNX bytes. ONNX Runtime's refusal becomes an EspalierError of code "runtime". */
export async function openOrt(model: Graph | Uint8Array, options: OrtOptions = {}): Promise<OrtSession> {
  const bytes = model instanceof Uint8Array ? model : writeOnnx(model);
  const session = await createSession(bytes, options);
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: async (feeds) => {
      const given: Record<string, ort.Tensor> = {};
      for (const [name, t] of Object.entries(feeds)) given[name] = toOrt(t);
      const results = await runSession(session, given);
      return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, fromOrt(t)]));
    },
    close: () => session.release(),
  };
}

/** The raw session, for callers that keep ONNX Runtime's own tensors between runs. */
export async function createSession(bytes: Uint8Array, options: OrtOptions = {}): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      intraOpNumThreads: options.threads ?? availableParallelism(),
      interOpNumThreads: 1,
      graphOptimizationLevel: options.optimise ?? "all",
      enableMemPattern: options.memoryPattern ?? true,
      ...(options.files === undefined || options.files.size === 0
        ? {}
        : { externalData: [...options.files].map(([path, data]) => ({ path, data })) }),
      ...(options.spinning === false ? { extra: { session: { intra_op: { allow_spinning: "0" } } } } : {}),
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw new EspalierError("runtime", `ONNX Runtime refused the model: ${firstLine(cause)}`, { cause });
  }
}

/** One run on ONNX Runtime's own tensors; a failure becomes an EspalierError of code "runtime". */
export async function runSession(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
): Promise<Record<string, ort.Tensor>> {
  try {
    return (await session.run(feeds)) as Record<string, ort.Tensor>;
  } catch (cause) {
    throw new EspalierError("runtime", `ONNX Runtime failed while running the model: ${firstLine(cause)}`, { cause });
  }
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n")[0] ?? message;
}

/** Runs a graph once: opens, runs and closes. */
export async function runOnce(
  model: Graph | Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await openOrt(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}
