import * as ort from "onnxruntime-node";
import { EspalierError } from "../diagnostics/index.ts";
import { writeOnnx } from "../formats/onnx/index.ts";
import type { ValueId } from "../ir/index.ts";
import { createSession, toOrt } from "../runtimes/onnxruntime.ts";
import { scalar, type Tensor, tensor } from "../tensor/index.ts";
import { sessionOptions } from "./session-options.ts";
import type { TrainingGraph } from "./training-graph.ts";

export interface StepFeeds {
  readonly samples: Tensor<"float32">;
  readonly target: Tensor<"float32">;
  readonly teacher?: Tensor;
  readonly rate: number;
  readonly corrections: readonly number[];
}

/** The answer of a step; `logits` is overwritten by the step after the next one. */
export interface StepResult {
  readonly loss: number;
  readonly logits: Float32Array;
}

/** A training step loaded in ONNX Runtime, with the state that it changes. Close it when done. */
export interface Stepper {
  step(feeds: StepFeeds): Promise<StepResult>;
  /** The present weights and running statistics (copies), by the id of their constant in the original graph. */
  weights(): Map<ValueId, Tensor<"float32">>;
  close(): Promise<void>;
}

function floats(shape: readonly number[], data: Float32Array): ort.Tensor {
  return new ort.Tensor("float32", data, shape);
}

/**
 * Loads the step. State lives in two sets of buffers that change roles at every step: ONNX Runtime reads one and writes the other in place, so that
 * nothing is copied or allocated from step to step.
 */
export async function openStepper(training: TrainingGraph, threads?: number): Promise<Stepper> {
  const { names, state } = training;
  const session = await createSession(writeOnnx(training.graph), sessionOptions(threads));
  const buffers = [0, 1].map((side) =>
    state.map(({ initial }) =>
      floats(initial.shape, side === 0 ? initial.data.slice() : new Float32Array(initial.data.length)),
    ),
  );
  const byName = new Map([...training.graph.values.values()].map((value) => [value.name, value.type]));
  const fresh = (name: string) => {
    const shape = byName.get(name)!.shape as number[];
    return floats(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  };
  const results = [0, 1].map(() => ({ loss: fresh(names.loss), logits: fresh(names.logits) }));
  let side = 0;
  return {
    step: async (feeds) => {
      const given: Record<string, ort.Tensor> = {
        [names.samples]: toOrt(feeds.samples),
        [names.target]: toOrt(feeds.target),
        [names.rate]: toOrt(scalar("float32", feeds.rate)),
      };
      if (names.teacher !== null) given[names.teacher] = toOrt(feeds.teacher!);
      names.corrections.forEach((name, i) => {
        given[name] = toOrt(scalar("float32", feeds.corrections[i]!));
      });
      const { loss, logits } = results[side]!;
      const wanted: Record<string, ort.Tensor> = { [names.loss]: loss, [names.logits]: logits };
      state.forEach((slot, i) => {
        given[slot.input] = buffers[side]![i]!;
        wanted[slot.output] = buffers[1 - side]![i]!;
      });
      await runStep(session, given, wanted);
      side = 1 - side;
      return { loss: (loss.data as Float32Array)[0]!, logits: logits.data as Float32Array };
    },
    weights: () => {
      const values = new Map<ValueId, Tensor<"float32">>();
      state.forEach(({ constant, initial }, i) => {
        if (constant === null) return;
        values.set(constant, tensor("float32", initial.shape, (buffers[side]![i]!.data as Float32Array).slice()));
      });
      return values;
    },
    close: () => session.release(),
  };
}

async function runStep(
  session: ort.InferenceSession,
  given: Record<string, ort.Tensor>,
  wanted: Record<string, ort.Tensor>,
): Promise<void> {
  try {
    await session.run(given, wanted);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EspalierError("runtime", `ONNX Runtime failed in a training step: ${message.split("\n")[0]}`, { cause });
  }
}
