import * as ort from "onnxruntime-node";
import { EspalierError } from "../diagnostics/index.ts";
import type { Graph, ValueId } from "../ir/index.ts";
import { writeBlocked } from "../runtimes/blocked-convolutions.ts";
import { blockSize } from "../runtimes/blocked-layout.ts";
import { createSession, toOrt } from "../runtimes/onnxruntime.ts";
import { scalar, sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import { type OptimiserMemory, presentMemory } from "./segment.ts";
import { sessionOptions } from "./session-options.ts";
import { trainedConstants } from "./trained-constants.ts";
import type { TrainingGraph } from "./training-graph.ts";

export interface StepFeeds {
  readonly samples: Tensor<"float32">;
  /** Of the first loss. */
  readonly target?: Tensor;
  readonly teacher?: Tensor;
  /** Any other inputs by name: targets of further losses, features of the teacher. */
  readonly inputs?: Readonly<Record<string, Tensor>>;
  readonly rate: number;
  readonly corrections: readonly number[];
  /** Decay of the moving average; needed when the training graph has one. */
  readonly averaging?: number;
}

/** Which batch of an update this is, where an update takes several. Default: the first and the last. */
export interface Part {
  readonly first: boolean;
  readonly last: boolean;
}

/** The answer of a step; `logits` is overwritten by the step after the next one. */
export interface StepResult {
  readonly loss: number;
  readonly logits: Float32Array;
}

/** A training step loaded in ONNX Runtime, with the state that it changes. Close it when done. */
export interface Stepper {
  step(feeds: StepFeeds, part?: Part): Promise<StepResult>;
  /** The present result of training (copies), by the id of the constant in the original graph: averages where there are any, adapters fused. */
  weights(): Map<ValueId, Tensor<"float32">>;
  /** What the optimiser remembers (copies). */
  memory(): OptimiserMemory;
  /** The present state (copies) by input name, without gradients that are being summed up. */
  state(): Map<string, Tensor<"float32">>;
  /** Replaces the state. Throws EspalierError "input" when names or sizes are not those of this training graph. */
  restore(state: ReadonlyMap<string, Tensor<"float32">>): void;
  close(): Promise<void>;
}

function floats(shape: readonly number[], data: Float32Array): ort.Tensor {
  return new ort.Tensor("float32", data, shape);
}

/** State tensors, each in two buffers that change roles whenever it is written: ONNX Runtime reads one and writes the other in place. */
interface Buffers {
  readonly pairs: readonly (readonly [ort.Tensor, ort.Tensor])[];
  /** Which of the two holds the present value. */
  readonly side: Uint8Array;
}

/** One of the graphs of a step, with the state that it reads and writes. */
interface Loaded {
  readonly session: ort.InferenceSession;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

async function load(graph: Graph, training: TrainingGraph, threads: number | undefined): Promise<Loaded> {
  const session = await createSession(writeBlocked(graph, await blockSize()), sessionOptions(threads));
  const [inputs, outputs] = [new Set(session.inputNames), new Set(session.outputNames)];
  const those = (test: (slot: TrainingGraph["state"][number]) => boolean) =>
    training.state.flatMap((slot, i) => (test(slot) ? [i] : []));
  return {
    session,
    reads: those(({ input }) => inputs.has(input)),
    writes: those(({ output }) => outputs.has(output)),
  };
}

async function runLoaded(
  { session, reads, writes }: Loaded,
  { state }: TrainingGraph,
  { pairs, side }: Buffers,
  given: Record<string, ort.Tensor>,
  wanted: Record<string, ort.Tensor>,
): Promise<void> {
  for (const i of reads) given[state[i]!.input] = pairs[i]![side[i]!]!;
  for (const i of writes) wanted[state[i]!.output] = pairs[i]![1 - side[i]!]!;
  try {
    await session.run(given, wanted);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EspalierError("runtime", `ONNX Runtime failed in a training step: ${message.split("\n")[0]}`, { cause });
  }
  for (const i of writes) side[i] = 1 - side[i]!;
}

function scalars(training: TrainingGraph, feeds: StepFeeds): Record<string, ort.Tensor> {
  const { names } = training;
  const given: Record<string, ort.Tensor> = { [names.rate]: toOrt(scalar("float32", feeds.rate)) };
  names.corrections.forEach((name, i) => {
    given[name] = toOrt(scalar("float32", feeds.corrections[i]!));
  });
  if (names.averaging !== null) given[names.averaging] = toOrt(scalar("float32", feeds.averaging!));
  return given;
}

function batchInputs({ names }: TrainingGraph, feeds: StepFeeds): Record<string, ort.Tensor> {
  const given: Record<string, ort.Tensor> = { [names.samples]: toOrt(feeds.samples) };
  if (feeds.target !== undefined) given[names.target] = toOrt(feeds.target);
  if (names.teacher !== null && feeds.teacher !== undefined) given[names.teacher] = toOrt(feeds.teacher);
  for (const [name, value] of Object.entries(feeds.inputs ?? {})) given[name] = toOrt(value);
  return given;
}

/**
 * Loads the step. State lives in two sets of buffers that change roles at every step: ONNX Runtime reads one and writes the other in place, so that
 * nothing is copied or allocated from step to step.
 */
export async function openStepper(training: TrainingGraph, threads?: number): Promise<Stepper> {
  const { names, state } = training;
  const main = await load(training.graph, training, threads);
  const update = training.update === null ? null : await load(training.update, training, threads);
  const buffers: Buffers = {
    pairs: state.map(({ initial }) => [
      floats(initial.shape, initial.data.slice()),
      floats(initial.shape, new Float32Array(initial.data.length)),
    ]),
    side: new Uint8Array(state.length),
  };
  const byName = new Map([...training.graph.values.values()].map((value) => [value.name, value.type]));
  const fresh = (name: string) => {
    const shape = byName.get(name)!.shape as number[];
    return floats(shape, new Float32Array(sizeOf(shape)));
  };
  const results = [0, 1].map(() => ({ loss: fresh(names.loss), logits: fresh(names.logits) }));
  const present = (i: number) => buffers.pairs[i]![buffers.side[i]!]!.data as Float32Array;
  const copy = (i: number) => tensor("float32", state[i]!.initial.shape, present(i).slice());
  let turn = 0;
  return {
    step: async (feeds, { first, last } = { first: true, last: true }) => {
      turn = 1 - turn;
      const { loss, logits } = results[turn]!;
      const given = batchInputs(training, feeds);
      if (update === null) Object.assign(given, scalars(training, feeds));
      else given[names.keep!] = toOrt(scalar("float32", first ? 0 : 1));
      await runLoaded(main, training, buffers, given, { [names.loss]: loss, [names.logits]: logits });
      if (update !== null && last) await runLoaded(update, training, buffers, scalars(training, feeds), {});
      return { loss: (loss.data as Float32Array)[0]!, logits: logits.data as Float32Array };
    },
    weights: () => trainedConstants(training, copy),
    memory: () => presentMemory(training, copy),
    state: () => new Map(state.flatMap(({ role, input }, i) => (role === "accumulator" ? [] : [[input, copy(i)]]))),
    restore: (values) => {
      state.forEach(({ role, input, initial }, i) => {
        if (role === "accumulator") return;
        const value = values.get(input);
        if (value === undefined || value.data.length !== initial.data.length)
          throw new EspalierError(
            "input",
            `The checkpoint has ${value === undefined ? "nothing" : `${value.data.length} numbers`} for "${input}", which has ${initial.data.length}`,
            { hint: "Resume with the model and the options that the run was started with." },
          );
        present(i).set(value.data);
      });
    },
    close: async () => {
      await main.session.release();
      await update?.session.release();
    },
  };
}
