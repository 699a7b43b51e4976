import { createRequire } from "node:module";
import { EspalierError } from "../diagnostics/index.ts";
import { DTYPES, type DType, type Tensor } from "../tensor/index.ts";
import type { ModelRunner, RunnerPort } from "./model-runner.ts";
import { createSession, fromOrt, type OrtOptions, runSession, toOrt } from "./onnxruntime.ts";

const require = createRequire(import.meta.url);

/** The version of ONNX Runtime, for reports. */
export function onnxRuntimeVersion(): string {
  return (require("onnxruntime-node/package.json") as { readonly version: string }).version;
}

type Metadata = Awaited<ReturnType<typeof createSession>>["inputMetadata"][number];

function portOf(metadata: Metadata): RunnerPort {
  const { name } = metadata;
  if (!metadata.isTensor || !Object.hasOwn(DTYPES, metadata.type)) {
    const type = metadata.isTensor ? metadata.type : "no tensor";
    throw new EspalierError("unsupported", `"${name}" is ${type}, which Espalier cannot pass`, {
      where: "ONNX Runtime",
    });
  }
  // A size without a name is open too: every place gets a name of its own.
  const shape = metadata.shape.map((dim, axis) => (dim === "" ? `${name}:${axis}` : dim));
  return { name, dtype: metadata.type as DType, shape };
}

/** ONNX bytes in ONNX Runtime (CPU), with external data by the path that the file states. Throws EspalierError "runtime" when it is refused. */
export async function openOnnxRunner(bytes: Uint8Array, options: OrtOptions = {}): Promise<ModelRunner> {
  const session = await createSession(bytes, options);
  try {
    const inputs = session.inputMetadata.map(portOf);
    const outputs = session.outputMetadata.map(portOf);
    return {
      engine: `ONNX Runtime ${onnxRuntimeVersion()}`,
      inputs,
      outputs,
      run: async (values) => {
        checkCount(inputs, values);
        const feeds = Object.fromEntries(inputs.map(({ name }, i) => [name, toOrt(values[i]!)]));
        const results = await runSession(session, feeds);
        return outputs.map(({ name }) => fromOrt(results[name]!));
      },
      close: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

function checkCount(inputs: readonly RunnerPort[], values: readonly Tensor[]): void {
  if (values.length !== inputs.length)
    throw new EspalierError("usage", `The model has ${inputs.length} inputs, got ${values.length} tensors`);
}
