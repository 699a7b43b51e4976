import { type ArenaPlan, CAUSES, type LatencyBreakdown } from "../src/cost/index.ts";
import type { ReportFacts } from "../src/report/index.ts";
import type { Outcome } from "./outcome.ts";

/** The measured curves, in accuracy. */
export function sensitivityOf({ sensitivity }: Outcome): NonNullable<ReportFacts["sensitivity"]> {
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

/** The points that the search went through, in the unit of its first constraint. */
export function searchOf({ budget, timings }: Outcome): NonNullable<ReportFacts["search"]> {
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

/** Predicted time by node and cause, before and after; nothing where latency is measured. */
export function latencyOf({ costs, config }: Outcome): Pick<ReportFacts, "latency"> {
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

/** The arena before and after, where there is one. */
export function memoryOf({ costs, config }: Outcome): Pick<ReportFacts, "memory"> {
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

/** N:M sparsity by layer, for targets that use it. */
export function sparsityOf({ sparsity, config }: Outcome): Pick<ReportFacts, "sparsity"> {
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
