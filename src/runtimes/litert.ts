import { EspalierError } from "../diagnostics/index.ts";
import { decodeTflite } from "../formats/tflite/codec/index.ts";
import { bytesOf, fromBytes, sameShape, type Tensor } from "../tensor/index.ts";
import { createEngine } from "./litert/engine.ts";
import { boundaryOf, entrySignature, type LiteRtTensorInfo, slotPositions, staticBytes } from "./litert/entry.ts";
import { checkOutputShapes } from "./litert/probe.ts";
import { refuseUnanswerable } from "./litert/refuse.ts";

export type { LiteRtTensorInfo } from "./litert/entry.ts";
export { liteRtVersion } from "./litert/wasm.ts";

/** A model loaded in LiteRT (WebAssembly, CPU). Close it when done. */
export interface LiteRtSession {
  /** In the order of the file's first subgraph, which is the order of `run`. */
  readonly inputs: readonly LiteRtTensorInfo[];
  readonly outputs: readonly LiteRtTensorInfo[];
  /**
   * Runs the model once, on one thread. The same inputs give the same bytes; integer tensors go in and out as they are.
   * Throws EspalierError "usage" when the tensors do not fit the inputs, "runtime" when the runtime fails.
   */
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  /** Lets go of the model and the runtime's memory. Later calls of `run` are errors, of `close` not. */
  close(): void;
}

/**
 * Loads a .tflite file into LiteRT (XNNPACK on WebAssembly, one thread). A dimension that the file leaves open is fixed at
 * its static value (batch 1). The model runs once here, on zeros, to see that the runtime has every operator and computes
 * the output shapes that the file declares. Throws EspalierError: "input" for a malformed file, "unsupported" for variable
 * or string tensors, outputs of unknown size and outputs that are inputs too, "runtime" for what the runtime refuses.
 */
export async function loadLiteRt(model: Uint8Array): Promise<LiteRtSession> {
  const decoded = decodeTflite(model);
  refuseUnanswerable(decoded);
  const inputs = boundaryOf(decoded, "inputs");
  const outputs = boundaryOf(decoded, "outputs");
  const signature = entrySignature(decoded);
  await checkOutputShapes(decoded, inputs, outputs);
  const engine = await createEngine(staticBytes(decoded, model), signature);
  const inputAt = slotPositions(decoded, signature, "inputs", engine.inputNames);
  const outputAt = slotPositions(decoded, signature, "outputs", engine.outputNames);
  let live: typeof engine | null = engine;
  return {
    inputs,
    outputs,
    run: async (values) => {
      if (live === null) throw new EspalierError("usage", "The LiteRT session is closed or has failed");
      checkInputs(inputs, values);
      try {
        for (const [slot, position] of inputAt.entries()) live.write(slot, bytesOf(values[position]!));
        const results = live.run();
        return outputs.map((info, position) => fromBytes(info.dtype, info.shape, results[outputAt.indexOf(position)]!));
      } catch (error) {
        live = null;
        throw error;
      }
    },
    close: () => {
      live = null;
    },
  };
}

function checkInputs(inputs: readonly LiteRtTensorInfo[], values: readonly Tensor[]): void {
  if (values.length !== inputs.length) {
    throw new EspalierError("usage", `The model has ${inputs.length} inputs, got ${values.length} tensors`);
  }
  for (const [index, info] of inputs.entries()) {
    const value = values[index]!;
    if (value.dtype !== info.dtype || !sameShape(value.shape, info.shape)) {
      const expected = `${info.dtype}[${info.shape.join(", ")}]`;
      throw new EspalierError("usage", `Expected ${expected}, got ${value.dtype}[${value.shape.join(", ")}]`, {
        where: `input ${index} ${JSON.stringify(info.name)}`,
      });
    }
  }
}
