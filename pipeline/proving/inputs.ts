import { EspalierError } from "../../src/diagnostics/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { type SampleKind, sampleInputs } from "../model-check/sample-inputs.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

const SEED = 1;

/** Random numbers first; what a model refuses (an index out of range) is tried with smaller ones. */
const KINDS: readonly SampleKind[] = ["random", "bits", "ones", "zeros"];

/** Runs a graph in ONNX Runtime as it stands: fused integer kernels round otherwise than their operators do. */
export async function runPlain(graph: Graph, feeds: Tensors): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "disabled" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Seeded inputs of one sample that a graph takes, with what it gives for them. Throws why the first kind is refused when all are. */
export async function acceptedInputs(graph: Graph): Promise<{ inputs: Tensors; original: Tensors }> {
  const ports = graph.inputs.map((id) => {
    const { name, type } = valueById(graph, id);
    return { name, dtype: type.dtype, shape: type.shape };
  });
  const shapes = ports.map(({ shape }) => shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  let refusal: unknown;
  for (const kind of KINDS) {
    const values = sampleInputs(ports, shapes, SEED, kind);
    const inputs = Object.fromEntries(ports.map(({ name }, i) => [name, values[i]!]));
    try {
      return { inputs, original: await runPlain(graph, inputs) };
    } catch (error) {
      if (!(error instanceof EspalierError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}
