import { basename } from "node:path";
import { type ArenaPlan, CAUSES, type LatencyBreakdown } from "../src/cost/index.ts";
import { sha256 } from "../src/io/index.ts";
import { type Estimate, type ReportFacts, wilsonInterval } from "../src/report/index.ts";
import { parametersOf, totalMacs } from "../targets/index.ts";
import { environmentOf } from "./environment.ts";
import { layerRows } from "./layer-rows.ts";
import type { Outcome } from "./outcome.ts";
import { proofsOf } from "./proofs.ts";
import { requirementsOf } from "./requirements.ts";
import { VERSION } from "./version.ts";

type Models = ReportFacts["models"];

/** A run's outcome as the facts that a report judges. */
export function reportFacts(outcome: Outcome, command: string): ReportFacts {
  const { config, context, model, sensitivity, emitted } = outcome;
  const { data } = context;
  const split = (name: string, samples: number, use: string) => ({ name, samples, use });
  return {
    product: { name: "Espalier", version: VERSION },
    target: config.target.name,
    profile: profileOf(outcome),
    model: {
      name: model.name,
      sha256: model.sha256,
      source: basename(model.file),
      parameters: parametersOf(model.graph),
      macs: totalMacs(model.graph),
      bytes: model.bytes,
    },
    dataset: {
      name: data.test.name,
      source: basename(config.data),
      splits: [
        split("train", data.train.length, "fine-tuning, calibration, batch-norm statistics"),
        split("held-out", data.heldOut.length, "sensitivity and every choice"),
        split("test", data.test.length, "accuracy in this report; nothing is chosen by it"),
      ],
    },
    seed: config.seed,
    command,
    shipped: shippedOf(outcome),
    requirements: requirementsOf(outcome),
    models: modelRows(outcome),
    layers: layerRows(outcome),
    groups: sensitivity.curves.map(({ group, members, size }) => ({
      id: group,
      members: [...members],
      unitsBefore: size,
      unitsAfter: outcome.budget.kept[group] ?? size,
      criterion: config.criterion,
    })),
    proofs: proofsOf(outcome),
    sensitivity: sensitivityOf(outcome),
    search: searchOf(outcome),
    ...latencyOf(outcome),
    ...memoryOf(outcome),
    ...sparsityOf(outcome),
    artifacts: emitted.files.map(({ file, what }) => ({
      file,
      bytes: outcome.bytes[file]!.length,
      sha256: sha256(outcome.bytes[file]!),
      what,
    })),
    diagnostics: emitted.notes.map((message) => ({ severity: "note" as const, code: "lowering", message })),
    notes: notesOf(outcome),
    run: { environment: environmentOf(), stages: context.stages.map((stage) => ({ ...stage })) },
  };
}

function profileOf({ config }: Outcome): ReportFacts["profile"] {
  const { profile } = config;
  if (profile.class === "cpu")
    return {
      name: profile.name,
      description: profile.description,
      evidence: "Measured on this machine while deploying",
      sources: [],
    };
  const { calibration } = profile.latency;
  const error = calibration.heldOutError ?? calibration.fittedError;
  const evidence = `${calibration.basis}: ${calibration.rows} measurements of ${calibration.models} networks${error === null || error === undefined ? "" : `, mean error ${(100 * error).toFixed(1)} %`}`;
  return { name: profile.name, description: profile.description, evidence, sources: [calibration.source] };
}

function shippedOf({ shipped, budget, pruned }: Outcome): NonNullable<ReportFacts["shipped"]> {
  const kept = pruned.changed
    ? "pruned, fine-tuned and verified"
    : "the original's weights: it meets the budget as it is";
  return {
    model: pruned.changed || shipped.kind.includes("8") ? "compressed" : "original",
    reason: `${shipped.file}: ${kept}; ${budget.evaluations} candidates were weighed`,
  };
}

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

function modelRows(outcome: Outcome): Models {
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
    how: `Median of ${timing.rounds} interleaved rounds at batch 1`,
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
        how: `Median of ${rounds} interleaved rounds at batch 1`,
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

function sensitivityOf({ sensitivity }: Outcome): NonNullable<ReportFacts["sensitivity"]> {
  return {
    metric: "accuracy",
    baseline: sensitivity.baseline.accuracy,
    split: "held-out",
    samples: sensitivity.samples,
    curves: sensitivity.curves.map(({ group, size, points }) => ({
      group,
      points: [
        { kept: 1, value: sensitivity.baseline.accuracy },
        ...points.map(({ kept, accuracy }) => ({ kept: kept / size, value: accuracy })),
      ],
    })),
  };
}

function searchOf({ budget, timings }: Outcome): NonNullable<ReportFacts["search"]> {
  const metric = budget.constraints[0]?.metric ?? "macs";
  const titles = {
    latencyMs: ["Predicted time, pessimistic end", "ms"],
    flashBytes: ["Flash, pessimistic end", "bytes"],
    ramBytes: ["Working memory", "bytes"],
    macs: ["Multiply-accumulates", "MACs"],
    parameters: ["Parameters", "parameters"],
  } as const;
  const [title, unit] = titles[metric];
  const points = budget.points.map(({ costs, accuracyPoints, chosen }) => ({
    cost: costs[metric],
    accuracyLoss: accuracyPoints,
    chosen,
  }));
  const evidence =
    timings === null
      ? {}
      : {
          evidence: {
            kind: "measured" as const,
            how: "Chosen by timing candidates beside the original on this machine",
            source: "ONNX Runtime",
            timed: true,
          },
        };
  return { cost: { title, unit }, ...evidence, evaluated: budget.evaluations, points };
}

function latencyOf({ costs, config }: Outcome): Pick<ReportFacts, "latency"> {
  const [before, after] = [costs.original.latency, costs.artifact.latency];
  if (before === null || after === null) return {};
  const parts = (breakdown: LatencyBreakdown) =>
    breakdown.nodes.flatMap(({ node, seconds }) =>
      CAUSES.flatMap((cause) => (seconds[cause] > 0 ? [{ node, cause, ms: 1000 * seconds[cause] }] : [])),
    );
  const { relativeError, source } = after.interval;
  return {
    latency: {
      evidence: {
        kind: "predicted",
        errorPercent: 100 * relativeError,
        how: `Cost model of ${config.profile.title}`,
        source,
      },
      before: parts(before),
      after: parts(after),
    },
  };
}

function memoryOf({ costs, config }: Outcome): Pick<ReportFacts, "memory"> {
  const [before, after] = [costs.original.arena, costs.artifact.arena];
  if (before === null || after === null) return {};
  const plan = (arena: ArenaPlan) => ({
    bytes: arena.arenaUsed,
    persistent: arena.tail,
    steps: Math.max(1, ...arena.plan.map(({ last }) => last + 1)),
    buffers: arena.plan
      .filter(({ bytes }) => bytes > 0)
      .map(({ buffer, offset, reserved, first, last }) => ({ buffer, offset, bytes: reserved, first, last })),
  });
  const limit = config.limits.ramBytes === null ? {} : { limit: config.limits.ramBytes };
  return {
    memory: {
      evidence: {
        kind: "simulated",
        how: "TensorFlow Lite Micro's planner, reproduced to the byte",
        source: "docs/hardware-profiles.md",
      },
      ...limit,
      before: plan(before),
      after: plan(after),
    },
  };
}

function sparsityOf({ sparsity, config }: Outcome): Pick<ReportFacts, "sparsity"> {
  if (sparsity === null) return {};
  const { n, m } = config.target.sparsity!;
  return {
    sparsity: {
      pattern: `${n}:${m}`,
      layers: sparsity.map(({ node, eligible, reason, valid, zeros, weights }) => ({
        node,
        eligible,
        ...(reason === null ? {} : { reason }),
        valid,
        zeros,
        weights,
      })),
    },
  };
}

function notesOf({ context, config, sensitivity }: Outcome): string[] {
  const notes: string[] = [];
  if (config.testSamples !== null)
    notes.push(`Accuracy was judged on the first ${context.data.test.length} test samples only.`);
  if (context.data.test.note !== undefined) notes.push(context.data.test.note);
  if (config.profile.class !== "cpu")
    notes.push(
      "Accuracy was measured on this machine's CPU in the artifact's own runtime; time and memory on the device are as each row's evidence says.",
    );
  const reasons = new Map<string, number>();
  for (const { reason } of sensitivity.frozen) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  for (const [reason, count] of [...reasons].sort())
    notes.push(`${count} ${count === 1 ? "axis stays" : "axes stay"} whole: ${reason}.`);
  return notes;
}
