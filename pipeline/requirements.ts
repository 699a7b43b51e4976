import type { Evidence, RequirementFacts } from "../src/report/index.ts";
import { workRatio } from "../targets/index.ts";
import { grainOf } from "./candidates.ts";
import type { Outcome } from "./outcome.ts";

/** What the requirements are judged by. */
export type Judged = Pick<
  Outcome,
  "config" | "model" | "baseline" | "graph" | "costs" | "shipped" | "timings" | "bytes"
>;

/** Every requirement of a run, in the order of the report. */
export function requirementsOf(outcome: Judged): RequirementFacts[] {
  return [
    accuracyRow(outcome),
    ...latencyRows(outcome),
    ...slowerRows(outcome),
    ...macsRows(outcome),
    ...ramRows(outcome),
    ...flashRows(outcome),
    sizeRow(outcome),
    ...ruleRows(outcome),
  ];
}

function accuracyRow({ baseline, shipped, config }: Judged): RequirementFacts {
  return {
    id: "accuracy-drop",
    title: "Accuracy lost against the original",
    comparison: "<=",
    limit: config.limits.accuracyDropPoints,
    value: 100 * (baseline.test.accuracy - shipped.accuracy),
    unit: "points",
    evidence: {
      kind: "measured",
      how: `Original in ONNX Runtime and ${shipped.file} in ${shipped.runtime}, each on the same ${shipped.n} test samples`,
      source: shipped.runtime,
    },
  };
}

function latencyRows(outcome: Judged): RequirementFacts[] {
  const { limits } = outcome.config;
  if (limits.latencyMs === null && limits.latencyShare === null) return [];
  return [outcome.timings === null ? predictedLatency(outcome) : measuredLatency(outcome)];
}

function measuredLatency(outcome: Judged): RequirementFacts {
  const { limits } = outcome.config;
  const { original, artifacts } = outcome.timings!;
  const own = artifacts.find(({ file }) => file === outcome.shipped.file)!.timing;
  const evidence: Evidence = {
    kind: "measured",
    how: `Median of ${own.rounds} rounds at batch 1 and one thread, original and artifact in turn, on this machine`,
    source: outcome.shipped.runtime,
    timed: true,
  };
  if (limits.latencyMs !== null) {
    return {
      id: "latency",
      title: "Latency",
      comparison: "<=",
      limit: limits.latencyMs,
      value: own.medianMs,
      interval: [...own.interval],
      unit: "ms",
      evidence,
    };
  }
  const share = (ms: number) => (100 * ms) / original.medianMs;
  return {
    id: "latency",
    title: "Latency against the original",
    comparison: "<=",
    limit: 100 * limits.latencyShare!,
    value: share(own.medianMs),
    interval: [share(own.interval[0]), share(own.interval[1])],
    unit: "percent",
    evidence,
  };
}

function predictedLatency(outcome: Judged): RequirementFacts {
  const { config, costs } = outcome;
  const { limits, profile } = config;
  const own = costs.artifact.latency!;
  if (limits.latencyMs !== null) {
    const { lowSeconds, highSeconds, relativeError, source } = own.interval;
    return {
      id: "latency",
      title: `Latency of a batch of ${own.batch}, launches included`,
      comparison: "<=",
      limit: limits.latencyMs,
      value: 1000 * own.totalSeconds,
      interval: [1000 * lowSeconds, 1000 * highSeconds],
      unit: "ms",
      evidence: { kind: "predicted", errorPercent: 100 * relativeError, how: `Cost model of ${profile.title}`, source },
    };
  }
  const ratio = workRatio(costs.original, costs.artifact, profile)!;
  return {
    id: "latency",
    title: "Compute and memory time against the original",
    comparison: "<=",
    limit: 100 * limits.latencyShare!,
    value: 100 * ratio.ratio,
    interval: [100 * ratio.low, 100 * ratio.high],
    unit: "percent",
    evidence: {
      kind: "predicted",
      errorPercent: (100 * (ratio.high - ratio.ratio)) / ratio.ratio,
      how: `Cost model of ${profile.title} at batch ${own.batch}; the launch floor of ${milliseconds(own.floorSeconds)} is not in it, no cut reduces it`,
      source: "hardware profile, error of a ratio of two predictions",
    },
  };
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(3)} ms`;
}

function macsRows({ config, costs }: Judged): RequirementFacts[] {
  const { limits } = config;
  const limit = limits.macs ?? (limits.macsShare === null ? null : Math.floor(limits.macsShare * costs.original.macs));
  if (limit === null) return [];
  const evidence: Evidence = {
    kind: "simulated",
    how: "Counted over the emitted graph, exactly",
    source: "operator table",
  };
  return [
    {
      id: "macs",
      title: "Multiply-accumulates of one sample",
      comparison: "<=",
      limit,
      value: costs.artifact.macs,
      unit: "MACs",
      evidence,
    },
  ];
}

function ramRows({ config, costs }: Judged): RequirementFacts[] {
  const limit = config.limits.ramBytes;
  if (limit === null) return [];
  const planned = costs.artifact.arena !== null;
  const row: RequirementFacts = {
    id: "ram",
    title: planned ? "Tensor arena" : "Peak of live activations",
    comparison: "<=",
    limit,
    value: costs.artifact.ramBytes,
    unit: "bytes",
    evidence: {
      kind: "simulated",
      how: planned
        ? "The planner of TensorFlow Lite Micro, reproduced to the byte, on the emitted file"
        : "Live activations at each node of the emitted graph, one sample",
      source: planned ? "docs/hardware-profiles.md, arena planner" : "operator table",
    },
  };
  return [
    planned
      ? {
          ...row,
          note: `The original takes ${costs.original.ramBytes} bytes and ${costs.original.ramBytes > limit ? "does not fit" : "fits"}.`,
        }
      : row,
  ];
}

function flashRows({ config, costs, shipped, bytes }: Judged): RequirementFacts[] {
  const limit = config.limits.flashBytes;
  if (limit === null) return [];
  const flash = costs.artifact.flash;
  if (flash === null) {
    const evidence: Evidence = { kind: "measured", how: "Size of the emitted file", source: shipped.file };
    return [
      {
        id: "flash",
        title: "File size",
        comparison: "<=",
        limit,
        value: bytes[shipped.file]!.length,
        unit: "bytes",
        evidence,
      },
    ];
  }
  const before = costs.original.flash!.totalBytes;
  return [
    {
      id: "flash",
      title: "Flash: model, kernels and framework",
      comparison: "<=",
      limit,
      value: flash.totalBytes,
      interval: [flash.lowBytes, flash.highBytes],
      unit: "bytes",
      evidence: {
        kind: "predicted",
        how: `File of ${flash.modelBytes} bytes, exactly, plus code sizes of linked builds${flash.isMeasured ? " of just these operators" : ", bounded by the sets that were linked"}`,
        source: "TensorFlow Lite Micro 90b983c2b, arm-none-eabi-g++ 12.2",
      },
      note: `The original takes about ${before} bytes and ${before > limit ? "does not fit" : "fits"}.`,
    },
  ];
}

/** No artifact is shipped that is slower than what came in, where both can be timed. */
function slowerRows(outcome: Judged): RequirementFacts[] {
  if (outcome.timings === null) return [];
  const { original, artifacts } = outcome.timings;
  const own = artifacts.find(({ file }) => file === outcome.shipped.file)!.timing;
  return [
    {
      id: "not-slower",
      title: "Latency, no more than the original's",
      comparison: "<=",
      limit: original.medianMs,
      value: own.medianMs,
      interval: [...own.interval],
      unit: "ms",
      evidence: {
        kind: "measured",
        how: `Median of ${own.rounds} interleaved rounds at batch 1, one thread on this machine`,
        source: outcome.shipped.runtime,
        timed: true,
      },
    },
  ];
}

/** No artifact is shipped that is larger than what came in. */
function sizeRow({ model, shipped, bytes }: Judged): RequirementFacts {
  return {
    id: "not-larger",
    title: "File size against the original",
    comparison: "<=",
    limit: model.bytes,
    value: bytes[shipped.file]!.length,
    unit: "bytes",
    evidence: { kind: "measured", how: "Sizes of both files", source: shipped.file },
  };
}

/** The target's own rules, each a count of nodes that break it. */
function ruleRows({ config, graph, model }: Judged): RequirementFacts[] {
  const { target, profile } = config;
  const context = { graph, original: model.graph, profile, target, grain: grainOf(target, profile) };
  return target.rules.map(({ id, says, check }) => {
    const broken = check(context);
    const row: RequirementFacts = {
      id: `rule:${id}`,
      title: says,
      comparison: "==",
      limit: 0,
      value: broken.length,
      unit: "count",
      evidence: {
        kind: "simulated",
        how: "Nodes of the deployed graph that break the rule",
        source: `target ${target.name}`,
      },
    };
    return broken.length === 0
      ? row
      : {
          ...row,
          note: broken
            .slice(0, 5)
            .map(({ node, found }) => `${node}: ${found}`)
            .join("; "),
        };
  });
}
