import type { ReportFacts } from "../src/report/index.ts";
import type { Outcome } from "./outcome.ts";

/** A float artifact may differ from the IR by this share of the largest score: other kernels add in another order. */
const FLOAT_TOLERANCE = 1e-3;
/** float16 has 11 significant bits; a network of this depth loses a few of them. */
const HALF_TOLERANCE = 2e-2;
/** Share of int8 scores that may lie more than one step from the IR's: kernels round half-way cases differently and later layers amplify it. */
const BEYOND_STEP = 0.01;

/** Every numeric proof of a run: cuts by masking, artifacts against the IR. */
export function proofsOf({ pruned, verified, sparsity, config }: Outcome): ReportFacts["proofs"] {
  const cuts: ReportFacts["proofs"] = pruned.proofs.map(({ subject, difference, tolerance, samples }) => ({
    id: `cut:${subject}`,
    title: `Masked and cut graphs agree: ${subject}`,
    difference,
    tolerance,
    unit: "absolute",
    samples,
    runtime: "ONNX Runtime",
  }));
  const artifacts: ReportFacts["proofs"] = verified.artifacts.map((artifact) => {
    const base = { id: `artifact:${artifact.file}`, samples: artifact.n, runtime: artifact.runtime };
    if (artifact.step === null) {
      const tolerance =
        (artifact.kind === "onnx-float16" ? HALF_TOLERANCE : FLOAT_TOLERANCE) * Math.max(1, artifact.scale);
      return {
        ...base,
        title: `${artifact.file} computes what the IR computes`,
        difference: artifact.difference,
        tolerance,
        unit: "absolute" as const,
      };
    }
    const steps = Math.round(artifact.difference / artifact.step);
    return {
      ...base,
      title: `Scores of ${artifact.file} more than one int8 step from the IR's`,
      difference: artifact.beyondStep!,
      tolerance: Math.floor(BEYOND_STEP * artifact.scores),
      unit: "count" as const,
      note: `${artifact.scores} scores; the largest difference is ${steps} steps of ${artifact.step.toPrecision(3)}.`,
    };
  });
  if (sparsity === null) return [...cuts, ...artifacts];
  const { n, m } = config.target.sparsity!;
  const eligible = sparsity.filter((layer) => layer.eligible);
  return [
    ...cuts,
    ...artifacts,
    {
      id: "sparsity",
      title: `Eligible layers whose emitted weights break ${n}:${m}`,
      difference: eligible.filter((layer) => !layer.valid).length,
      tolerance: 0,
      unit: "count",
      samples: eligible.length,
      runtime: "emitted file",
    },
  ];
}
