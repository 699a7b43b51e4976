import { sha256, writeFileAtomic } from "../../src/io/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import type { Destination } from "../convert/destination.ts";
import { artifactOf } from "../convert/written-model.ts";
import { onnxArtifact, openArtifact } from "../model-check/artifact.ts";
import { type ComparedOutput, compareRuns, type OriginalRuns } from "../model-check/compare-runs.ts";
import { arithmeticOf, boundsOf } from "../model-check/exactness.ts";
import { stateOf } from "../model-check/state.ts";
import type { ProofInputs } from "./proof-inputs.ts";

/** A graph as a file, run in the file's own runtime. */
export interface Written {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly engine: string;
  readonly outputs: readonly ComparedOutput[];
  readonly notes: readonly string[];
  /** Every output is within its bound; otherwise nothing was written. */
  readonly verified: boolean;
}

/** The graph's own answers: ONNX Runtime, operator by operator. */
async function answersOf(graph: Graph, { feeds }: ProofInputs): Promise<OriginalRuns> {
  const runner = await openArtifact(onnxArtifact(graph), { fused: false });
  try {
    const inputs = runner.inputs.map(({ name }) => feeds[name]!);
    return {
      engine: runner.engine,
      inputs: runner.inputs,
      outputs: runner.outputs,
      runs: [{ inputs, outputs: await runner.run(inputs) }],
    };
  } finally {
    await runner.close();
  }
}

/** Writes a graph when its file, in its own runtime, computes what the graph does. */
export async function writeVerified(
  graph: Graph,
  name: string,
  destination: Destination,
  inputs: ProofInputs,
): Promise<Written> {
  const { artifact, notes } = artifactOf(graph, destination.format, name);
  const dtypes = new Set([...graph.values.values()].flatMap(({ data }) => (data === undefined ? [] : [data.dtype])));
  const hidden = new Set(stateOf(graph).map(({ output }) => output));
  const seen = graph.outputs.filter((id) => !hidden.has(valueById(graph, id).name));
  const bounds = boundsOf(graph, arithmeticOf(graph, "onnx", dtypes), seen);
  const { engine, outputs } = await compareRuns(artifact, bounds, await answersOf(graph, inputs), new Set());
  const verified = outputs.every(({ within }) => within);
  if (verified) await writeFileAtomic(destination.path, artifact.bytes);
  const { bytes } = artifact;
  return {
    file: destination.path,
    sha256: sha256(bytes),
    bytes: bytes.length,
    engine,
    outputs,
    notes,
    verified,
  };
}
