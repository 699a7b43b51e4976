import { EspalierError } from "../diagnostics/index.ts";
import type { ModelRunner, RunnerPort } from "./model-runner.ts";
import { loadTfjs, type TfjsTensorInfo } from "./tfjs.ts";

function portOf({ name, dtype, shape }: TfjsTensorInfo): RunnerPort {
  return { name, dtype, shape: (shape ?? []).map((size, axis) => size ?? `${name}:${axis}`) };
}

/** A model.json with its weight files in TensorFlow.js. Throws EspalierError "runtime" when it is refused, "unsupported" for an input of unknown rank. */
export async function openTfjsRunner(json: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Promise<ModelRunner> {
  const session = await loadTfjs(json, files);
  const open = session.inputs.find(({ shape }) => shape === null);
  if (open !== undefined) {
    session.close();
    throw new EspalierError("unsupported", `The rank of input "${open.name}" is unknown`, { where: "TensorFlow.js" });
  }
  const inputs = session.inputs.map(portOf);
  const outputs = session.outputs.map(portOf);
  return {
    // The backend may change with the first run.
    get engine() {
      return `TensorFlow.js (${session.engine})`;
    },
    inputs,
    outputs,
    run: async (values) => {
      const results = await session.run(Object.fromEntries(inputs.map(({ name }, i) => [name, values[i]!])));
      return outputs.map(({ name }) => results[name]!);
    },
    close: async () => session.close(),
  };
}
