import type { RunnerPort } from "../../src/runtimes/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { type Artifact, openArtifact } from "./artifact.ts";
import { compareOutput, type OutputDifference } from "./compare-outputs.ts";
import { type Bound, boundAt } from "./exactness.ts";
import { matchPorts } from "./match-ports.ts";

/** What the original gave for what it was given. */
export interface OriginalRuns {
  readonly engine: string;
  readonly inputs: readonly RunnerPort[];
  readonly outputs: readonly RunnerPort[];
  readonly runs: readonly { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] }[];
}

/** The largest difference of one output over all runs. */
export interface ComparedOutput extends OutputDifference {
  readonly unit: Bound["unit"];
  readonly limit: number;
  readonly within: boolean;
}

/** Runs an artifact on the original's inputs; one entry an output, the worst of all runs. */
export async function compareRuns(
  artifact: Artifact,
  bounds: readonly Bound[],
  original: OriginalRuns,
  boundInputs: ReadonlySet<string>,
  options: { readonly fused?: boolean } = {},
): Promise<{ readonly engine: string; readonly outputs: ComparedOutput[] }> {
  const runner = await openArtifact(artifact, options);
  try {
    const inputs = matchPorts(runner.inputs, original.inputs, boundInputs);
    const places = matchPorts(runner.outputs, original.outputs);
    const worst: ComparedOutput[] = [];
    for (const run of original.runs) {
      const results = await runner.run(inputs.map((place) => run.inputs[place]!));
      for (const [i, result] of results.entries()) {
        const bound = boundAt(bounds[i]!, original.outputs[places[i]!]!);
        const found = judge(compareOutput(runner.outputs[i]!, result, run.outputs[places[i]!]!, bound.step), bound);
        if (worst[i] === undefined || found.absolute > worst[i].absolute) worst[i] = found;
      }
    }
    return { engine: runner.engine, outputs: worst };
  } finally {
    await runner.close();
  }
}

/** Scales are float32, so that whole steps come out as 1.0000001. */
const STEP_GRAIN = 1e-3;

/** A difference held to its bound. */
export function judge(difference: OutputDifference, { unit, limit }: Bound): ComparedOutput {
  const { absolute, relative, steps } = difference;
  const within =
    unit === "steps"
      ? (steps ?? absolute) <= limit + STEP_GRAIN
      : unit === "exact"
        ? absolute <= limit
        : relative <= limit;
  return { ...difference, unit, limit, within };
}
