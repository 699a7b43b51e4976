import type * as tf from "@tensorflow/tfjs-core";
import { EspalierError } from "../diagnostics/index.ts";
import { parseModelJson } from "../formats/tfjs/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { exclusively, type TfjsEngine, tfjsEngine } from "./tfjs/engine.ts";
import { type LoadedModel, loadModel } from "./tfjs/model.ts";
import { fromTfjs, type TfjsTensorInfo, toTfjs } from "./tfjs/tensors.ts";

export type { TfjsTensorInfo } from "./tfjs/tensors.ts";

/** A model loaded in TensorFlow.js. Close it when done. */
export interface TfjsSession {
  /** What computes: "tfjs-node 4.22.0", "wasm" or "cpu". A model with an operator that the first choice lacks moves to "cpu" with its first run. */
  readonly engine: string;
  /** Names as in the graph that `readTfjs` gives. */
  readonly inputs: readonly TfjsTensorInfo[];
  readonly outputs: readonly TfjsTensorInfo[];
  /** Runs the model once. Throws EspalierError "usage" for feeds that do not fit, "runtime" when TensorFlow.js fails. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** Lets go of the weights. Later calls of `run` are errors, of `close` not. */
  close(): void;
}

/** Loads a model.json and its weight files (by the paths that it gives them) into TensorFlow.js itself, as the reference for what we read. */
export async function loadTfjs(json: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Promise<TfjsSession> {
  parseModelJson(json);
  const engine = await tfjsEngine();
  let model: LoadedModel | null = await exclusively(() => loadModel(engine, json, files));
  let choice = 0;
  return {
    get engine() {
      return engine.backends[choice]!.label;
    },
    inputs: model.inputs,
    outputs: model.outputs,
    run: (feeds) =>
      exclusively(async () => {
        if (model === null) throw new EspalierError("usage", "The TensorFlow.js session is closed");
        checkFeeds(model.inputs, feeds);
        for (; ; choice++) {
          try {
            return await runOn(engine, engine.backends[choice]!.name, model, feeds);
          } catch (cause) {
            if (choice + 1 < engine.backends.length) continue;
            const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
            throw new EspalierError("runtime", `TensorFlow.js failed while running the model: ${reason}`, { cause });
          }
        }
      }),
    close: () => {
      model?.dispose();
      model = null;
    },
  };
}

async function runOn(
  { core }: TfjsEngine,
  backend: string,
  model: LoadedModel,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  await core.setBackend(backend);
  core.engine().startScope();
  try {
    const inputs = model.inputs.map(({ name }) => toTfjs(core, feeds[name]!));
    const outputs = await model.execute(inputs);
    const results: Record<string, Tensor> = {};
    for (const [i, { name }] of model.outputs.entries()) results[name] = await fromTfjs(outputs[i]! as tf.Tensor);
    return results;
  } finally {
    core.engine().endScope();
  }
}

function checkFeeds(inputs: readonly TfjsTensorInfo[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const name of Object.keys(feeds))
    if (!inputs.some((input) => input.name === name))
      throw new EspalierError("usage", `The model has no input "${name}"`, {
        hint: `Its inputs: ${inputs.map((input) => input.name).join(", ")}.`,
      });
  for (const { name, dtype, shape } of inputs) {
    const feed = feeds[name];
    if (feed === undefined) throw new EspalierError("usage", `The input "${name}" is missing`);
    const fits =
      shape === null ||
      (shape.length === feed.shape.length && shape.every((size, i) => size === null || size === feed.shape[i]));
    if (feed.dtype !== dtype || !fits)
      throw new EspalierError(
        "usage",
        `Expected ${dtype}[${shape?.map((size) => size ?? "?").join(", ") ?? "..."}], got ${feed.dtype}[${feed.shape.join(", ")}]`,
        {
          where: `input "${name}"`,
        },
      );
  }
}
