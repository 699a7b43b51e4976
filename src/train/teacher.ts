import type { Graph } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { openOrt } from "../runtimes/onnxruntime.ts";
import type { Tensor } from "../tensor/index.ts";
import { headOf } from "./head.ts";
import { sessionOptions } from "./session-options.ts";

/** A trained classifier that gives its logits [n, classes] for a batch. Close it when done. */
export interface Teacher {
  logits(samples: Tensor<"float32">): Promise<Tensor>;
  close(): Promise<void>;
}

/** Loads a classifier as a teacher; a final Softmax is left out. */
export async function openTeacher(graph: Graph, threads: number | undefined): Promise<Teacher> {
  const head = headOf(graph);
  const builder = editGraph(graph);
  builder.setOutputs([head.logits]);
  const session = await openOrt(builder.build(), sessionOptions(threads));
  const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
  return {
    logits: async (samples) => {
      const logits = (await session.run({ [input]: samples }))[output]!;
      return { ...logits, shape: [samples.shape[0]!, head.classes] };
    },
    close: () => session.close(),
  };
}
