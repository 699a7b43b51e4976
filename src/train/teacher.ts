import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type Graph, shapeText, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import type { Tensor } from "../tensor/index.ts";
import { bindTrainingBatch } from "./bind-batch.ts";
import type { FeaturePair } from "./feature-distillation.ts";
import type { KnownPair } from "./forward.ts";
import { headOf } from "./head.ts";
import { sessionOptions } from "./session-options.ts";

/** What a teacher says of a batch. */
export interface Lesson {
  /** [n, classes]; null for a teacher of features alone. */
  readonly logits: Tensor | null;
  /** One a pair, in their order. */
  readonly features: readonly Tensor[];
}

/** A trained model that gives its logits and features for a batch. Close it when done. */
export interface Teacher {
  lesson(samples: Tensor<"float32">): Promise<Lesson>;
  close(): Promise<void>;
}

/** The pairs with the shapes of the teacher's values at a batch. Throws EspalierError "usage" for a name that the teacher does not have. */
export function knownPairs(teacher: Graph, pairs: readonly FeaturePair[], batch: number): KnownPair[] {
  if (pairs.length === 0) return [];
  const bound = bindTrainingBatch(teacher, batch);
  return pairs.map((pair) => ({
    ...pair,
    shape: valueById(bound, featureId(bound, pair.teacher)).type.shape as number[],
  }));
}

function featureId(graph: Graph, name: string): number {
  const values = [...graph.values.values()].filter(({ data }) => data === undefined);
  const found = values.find((value) => value.name === name);
  if (found === undefined)
    throw new EspalierError("usage", `The teacher has no value "${name}"`, {
      where: `graph "${graph.name}"`,
      hint: suggestion(
        name,
        values.slice(0, 20).map((value) => value.name),
      ),
    });
  return found.id;
}

/** Refuses a teacher that takes other samples or knows other classes than the student. */
export function checkTeacher(student: Graph, teacher: Graph, classes: number | null): void {
  const inputOf = (graph: Graph) => shapeText(valueById(graph, graph.inputs[0]!).type.shape.slice(1));
  const [own, other] = [inputOf(student), inputOf(teacher)];
  if (own !== other)
    throw new EspalierError("input", `The student takes samples of shape ${own}, the teacher ${other}`, {
      where: `teacher "${teacher.name}"`,
      hint: "Both must take the same samples.",
    });
  if (classes === null) return;
  const head = headOf(teacher);
  if (head.classes !== classes)
    throw new EspalierError("input", `The student has ${classes} classes, the teacher ${head.classes}`, {
      where: `teacher "${teacher.name}"`,
      hint: "Choose a teacher of the same classes, or give it a weight of 0 and pairs of features.",
    });
}

/** Loads a teacher; a final Softmax is left out. Its graph runs in inference form, whatever the student does. */
export async function openTeacher(
  original: Graph,
  options: {
    readonly batch: number;
    readonly logits: boolean;
    readonly features: readonly FeaturePair[];
    readonly threads: number | undefined;
  },
): Promise<Teacher> {
  const free = typeof valueById(original, original.inputs[0]!).type.shape[0] === "string";
  const graph = free ? original : bindTrainingBatch(original, options.batch);
  const head = options.logits ? headOf(graph) : null;
  const builder = editGraph(graph);
  const ids = options.features.map((pair) => featureId(graph, pair.teacher));
  const wanted = [...(head === null ? [] : [head.logits]), ...ids];
  builder.setOutputs([...new Set(wanted)]);
  const names = wanted.map((id) => builder.value(id).name);
  const session = await openOrt(builder.build(), sessionOptions(options.threads));
  const input = session.inputNames[0]!;
  return {
    lesson: async (samples) => {
      const results = await session.run({ [input]: samples });
      const values = names.map((name) => results[name]!);
      if (head === null) return { logits: null, features: values };
      return {
        logits: { ...values[0]!, shape: [samples.shape[0]!, head.classes] },
        features: values.slice(1),
      };
    },
    close: () => session.close(),
  };
}
