import { EspalierError } from "../../src/diagnostics/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { acceptedInputs, type Tensors } from "../proving/inputs.ts";
import type { Samples } from "./starting-model.ts";

/** Samples that a proof runs on. */
const PROOF_SAMPLES = 8;

/** Tensors by input name, and how many samples they hold. */
export interface ProofInputs {
  readonly feeds: Tensors;
  readonly count: number;
}

/**
 * Inputs for a proof: the first test samples (`most`, or the batch that the graph fixes), else seeded random tensors of one sample of the first kind that
 * the graph runs on.
 */
export async function proofInputs(
  graph: Graph,
  samples: Samples | null,
  most: number = PROOF_SAMPLES,
): Promise<ProofInputs> {
  const [first] = graph.inputs;
  if (first === undefined)
    throw new EspalierError("unsupported", "The graph has no inputs: there is nothing to compare on");
  const { name, type } = valueById(graph, first);
  const batch = type.shape[0];
  const fixed = typeof batch === "number" ? batch : null;
  if (samples === null) return { feeds: (await acceptedInputs(graph)).inputs, count: fixed ?? 1 };
  const count = fixed ?? Math.min(most, samples.test.length);
  const indices = Int32Array.from({ length: count }, (_, i) => i % samples.test.length);
  return { feeds: { [name]: samples.test.batch(indices) }, count };
}
