import { type Graph, valueById } from "../ir/index.ts";
import { editGraph, formula } from "../ops/index.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import { bindTrainingBatch } from "./bind-batch.ts";
import { hits } from "./evaluate.ts";
import { addDistillation } from "./losses.ts";
import { addTerms, type OutputLoss, termsOf } from "./objective.ts";
import { sessionOptions } from "./session-options.ts";
import type { Teacher } from "./teacher.ts";
import { type TrainingData, targetOf } from "./training-data.ts";

/** How a model does on data that it does not learn from, in the form that is deployed. */
export interface Validation {
  /** The losses against the targets; without labels, the distance to the teacher's logits. */
  readonly loss: number;
  /** Share of samples whose greatest score is the label's; null without class scores. */
  readonly accuracy: number | null;
}

export interface ValidationSettings {
  readonly data: TrainingData;
  readonly losses: readonly OutputLoss[] | undefined;
  /** The batch that the model was found to run at. */
  readonly batch: number;
  /** Instead of the labels, and at which temperature. */
  readonly teacher: { readonly open: Teacher; readonly temperature: number } | null;
  readonly threads: number | undefined;
}

/** Samples a run where the batch is free. */
const MOST_AT_ONCE = 250;

/** Mean loss and accuracy over a data set. With a fixed batch, samples that do not fill the last one are left out. */
export async function validate(graph: Graph, settings: ValidationSettings): Promise<Validation> {
  const { data } = settings;
  const fixed = typeof valueById(graph, graph.inputs[0]!).type.shape[0] === "number";
  const batch = Math.min(data.length, fixed ? settings.batch : MOST_AT_ONCE);
  const whole = data.length - (data.length % batch);
  const first = await validateRange(graph, settings, 0, whole, batch);
  if (whole === data.length || fixed) return first;
  const rest = await validateRange(graph, settings, whole, data.length, data.length - whole);
  const mean = (a: number, b: number) => (a * whole + b * (data.length - whole)) / data.length;
  return {
    loss: mean(first.loss, rest.loss),
    accuracy: first.accuracy === null ? null : mean(first.accuracy, rest.accuracy!),
  };
}

async function validateRange(
  graph: Graph,
  { data, losses, teacher, threads }: ValidationSettings,
  from: number,
  to: number,
  batch: number,
): Promise<Validation> {
  const terms = termsOf(graph, losses);
  const bound = bindTrainingBatch(graph, batch);
  const builder = editGraph(bound);
  const f = formula(builder, "loss");
  const values = terms.map(({ value }) => value);
  const { loss: hard, placed } = addTerms(f, terms, values, bound.inputs[0]!, teacher === null);
  const scored = placed.find(({ term }) => term.classes !== null);
  const lesson = hard !== null ? null : builder.input("teacher", builder.value(scored!.value).type);
  const loss = hard ?? addDistillation(f, scored!.value, lesson!, teacher!.temperature);
  builder.setOutputs(scored === undefined ? [loss] : [loss, scored.value]);
  const name = (id: number) => builder.value(id).name;
  const session = await openOrt(builder.build(), sessionOptions(threads));
  let [total, correct] = [0, 0];
  const rounds = (to - from) / batch;
  try {
    for (let round = 0; round < rounds; round++) {
      const indices = Int32Array.from({ length: batch }, (_, i) => from + round * batch + i);
      const samples = data.batch(indices);
      const own = data.targets?.(indices) ?? {};
      const feeds = { [name(bound.inputs[0]!)]: samples } as Parameters<typeof session.run>[0] &
        Record<string, unknown>;
      for (const { term, target } of placed)
        if (target !== null)
          feeds[name(target)] = targetOf(term, builder.value(target).type.shape as number[], data, indices, own, 0);
      if (lesson !== null) feeds[name(lesson)] = (await teacher!.open.lesson(samples)).logits!;
      const results = await session.run(feeds);
      total += (results[name(loss)]!.data as Float32Array)[0]!;
      if (scored === undefined) continue;
      const labels = indices.map((i) => data.labels[i]!);
      correct += hits(results[name(scored.value)]!.data as Float32Array, labels, scored.term.classes!);
    }
  } finally {
    await session.close();
  }
  return { loss: total / rounds, accuracy: scored === undefined ? null : correct / (to - from) };
}
