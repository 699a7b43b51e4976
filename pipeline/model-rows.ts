import { type Estimate, type ReportFacts, wilsonInterval } from "../src/report/index.ts";
import { parametersOf, totalMacs } from "../targets/index.ts";
import type { Outcome } from "./outcome.ts";

type Models = ReportFacts["models"];

function accuracyOf(figure: {
  readonly accuracy: number;
  readonly n: number;
}): NonNullable<Models[number]["accuracy"]> {
  return {
    value: figure.accuracy,
    n: figure.n,
    interval: wilsonInterval(Math.round(figure.accuracy * figure.n), figure.n),
  };
}

/** The models compared: the original, the pruned float graph, and each artifact. */
export function modelRows(outcome: Outcome): Models {
  const { model, baseline, verified, shipped, costs, bytes, graph, emitted } = outcome;
  const float = emitted.files.find(({ kind }) => kind === "onnx-float32");
  const size = { parameters: parametersOf(graph), macs: totalMacs(graph) };
  const rows: Models = [
    {
      role: "original",
      name: model.name,
      accuracy: accuracyOf(baseline.test),
      parameters: costs.original.parameters,
      macs: costs.original.macs,
      bytes: model.bytes,
      ...deviceFigures(outcome, "original"),
    },
    {
      role: "pruned",
      name: `${model.name}, pruned and fine-tuned, float32`,
      accuracy: accuracyOf(verified.pruned),
      ...size,
      bytes: float === undefined ? 4 * size.parameters : bytes[float.file]!.length,
    },
  ];
  for (const artifact of verified.artifacts) {
    const own = artifact === shipped ? deviceFigures(outcome, "artifact") : {};
    rows.push({
      role: "artifact",
      name: artifact.file,
      accuracy: accuracyOf(artifact),
      ...size,
      bytes: bytes[artifact.file]!.length,
      ...own,
      ...timedFigure(outcome, artifact.file),
    });
  }
  return rows;
}

function timedFigure({ timings }: Outcome, file: string): { latency?: Estimate } {
  const timing = timings?.artifacts.find((entry) => entry.file === file)?.timing;
  if (timing === undefined) return {};
  const evidence = {
    kind: "measured" as const,
    how: `Median of ${timing.rounds} interleaved rounds at batch 1, one thread`,
    source: file.endsWith(".onnx") ? "ONNX Runtime" : "LiteRT",
    timed: true,
  };
  return { latency: { value: timing.medianMs, interval: [...timing.interval], evidence } };
}

function deviceFigures(
  { costs, timings, config }: Outcome,
  which: "original" | "artifact",
): Pick<Models[number], "latency" | "arena" | "flash"> {
  const cost = costs[which];
  const figures: Pick<Models[number], "latency" | "arena" | "flash"> = {};
  if (cost.latency !== null) {
    const { lowSeconds, highSeconds, relativeError, source } = cost.latency.interval;
    figures.latency = {
      value: 1000 * cost.latency.totalSeconds,
      interval: [1000 * lowSeconds, 1000 * highSeconds],
      evidence: {
        kind: "predicted",
        errorPercent: 100 * relativeError,
        how: `Cost model of ${config.profile.title}, batch ${cost.latency.batch}`,
        source,
      },
    };
  } else if (timings !== null && which === "original") {
    const { medianMs, interval, rounds } = timings.original;
    figures.latency = {
      value: medianMs,
      interval: [...interval],
      evidence: {
        kind: "measured",
        how: `Median of ${rounds} interleaved rounds at batch 1, one thread`,
        source: "ONNX Runtime",
        timed: true,
      },
    };
  }
  if (cost.arena !== null)
    figures.arena = {
      value: cost.ramBytes,
      evidence: {
        kind: "simulated",
        how: "TensorFlow Lite Micro's planner, reproduced to the byte",
        source: "docs/hardware-profiles.md",
      },
    };
  if (cost.flash !== null) {
    const { totalBytes, lowBytes, highBytes } = cost.flash;
    figures.flash = {
      value: totalBytes,
      interval: [lowBytes, highBytes],
      evidence: {
        kind: "predicted",
        how: "File size plus code sizes of linked builds",
        source: "TensorFlow Lite Micro 90b983c2b",
      },
    };
  }
  return figures;
}
