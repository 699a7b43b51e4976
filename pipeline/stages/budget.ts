import { deployPipeline, runPasses } from "../../src/passes/index.ts";
import { findGroups } from "../../src/prune/index.ts";
import {
  type Assignment,
  type Constraint,
  type Costs,
  type Metric,
  priceAt,
  priceCurve,
  priceOf,
  solveBudget,
} from "../../src/search/index.ts";
import { type DeviceCost, deviceCost, type LatencyBasis, searchCosts } from "../../targets/index.ts";
import { budgetFailure } from "../budget-failure.ts";
import { candidate, candidateOptions, candidateShapes } from "../candidates.ts";
import type { DeployConfig } from "../config.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import { costOptions } from "../device.ts";
import type { ImportedModel } from "./import.ts";
import type { Sensitivity } from "./sensitivity.ts";
import { timeModels } from "./time.ts";

export interface BudgetPoint {
  readonly costs: Costs;
  readonly price: number;
  /** Predicted loss of accuracy before fine-tuning, in percentage points: the sum of what each group's own curve says. */
  readonly accuracyPoints: number;
  readonly chosen: boolean;
}

export interface Budget {
  readonly kept: Assignment;
  readonly constraints: readonly Constraint[];
  readonly latencyBasis: LatencyBasis;
  readonly price: number;
  readonly costs: Costs;
  readonly points: readonly BudgetPoint[];
  readonly evaluations: number;
}

/** The limits as the search holds them; shares are taken of the original's own cost on the device. */
export function constraintsFor(
  config: DeployConfig,
  original: DeviceCost,
  shares: { readonly macs?: number } = {},
): Constraint[] {
  const { limits } = config;
  const list: Constraint[] = [];
  const add = (metric: Metric, limit: number | null) => {
    if (limit !== null) list.push({ metric, limit });
  };
  if (original.latency !== null) {
    add(
      "latencyMs",
      limits.latencyMs ??
        (limits.latencyShare === null ? null : limits.latencyShare * original.latency.workSeconds * 1000),
    );
  }
  add("macs", limits.macs ?? (limits.macsShare === null ? null : Math.floor(limits.macsShare * original.macs)));
  add("ramBytes", limits.ramBytes);
  add("flashBytes", limits.flashBytes);
  if (shares.macs !== undefined) add("macs", Math.floor(shares.macs * original.macs));
  return list;
}

/** How the latency limit of this run is meant. */
export function latencyBasisOf(config: DeployConfig): LatencyBasis {
  return config.limits.latencyMs === null ? "work" : "total";
}

/** Finds how many units each group keeps: least predicted loss within every limit together, on the device's cost model. */
export async function budgetStage(
  context: RunContext,
  model: ImportedModel,
  sensitivity: Staged<Sensitivity>,
): Promise<Staged<Budget>> {
  const { config } = context;
  const inputs = { sensitivity: sensitivity.key, limits: config.limits, profile: config.profile };
  return runStage(context, {
    name: "budget",
    what: "the least loss within every limit",
    inputs,
    compute: async () => ({
      files: {},
      json:
        config.profile.class === "cpu"
          ? await solveMeasured(context, model, sensitivity.json)
          : solve(context, model, sensitivity.json),
    }),
    summary: ({ costs, evaluations }) =>
      `${evaluations} candidates; ${(costs.macs / 1e6).toFixed(2)} MMACs, ${(costs.parameters / 1e3).toFixed(1)} k parameters kept`,
  });
}

function solve(
  context: RunContext,
  model: ImportedModel,
  sensitivity: Sensitivity,
  shares: { readonly macs?: number } = {},
): Budget {
  const { config } = context;
  const latencyBasis = latencyBasisOf(config);
  const groups = findGroups(model.graph);
  const shared = candidateOptions(model.graph, config);
  const options = costOptions(config);
  const { scores, curves, baseline } = sensitivity;
  const original = deviceCost(model.graph, options.original);
  const costAt = (kept: Assignment) =>
    searchCosts(
      deviceCost(candidateShapes(model.graph, groups, scores, kept, shared), options.candidate),
      latencyBasis,
      original,
      config.profile,
    );
  const constraints = constraintsFor(config, original, shares);
  let evaluated = 0;
  const result = solveBudget({
    choices: curves.map(({ group, size, counts, points, inside }) => {
      const curve = priceCurve(size, baseline.loss, points);
      return { id: group, counts, price: (kept) => priceOf(curve, kept), inside };
    }),
    constraints,
    cost: (kept) => {
      evaluated++;
      if (evaluated % 20 === 0) context.progress.step(evaluated, evaluated + 100, `${evaluated} candidates`);
      return costAt(kept);
    },
  });
  const { chosen } = result;
  if (chosen === null) throw budgetFailure(result.witnesses, config.limits, config.granularity);
  const lost = accuracyPrice(sensitivity);
  const point = (p: typeof chosen): BudgetPoint => ({
    costs: p.costs,
    price: p.price,
    accuracyPoints: lost(p.assignment),
    chosen: p === chosen,
  });
  const front = result.pareto.includes(chosen) ? result.pareto : [...result.pareto, chosen];
  const points = front.map(point);
  return {
    kept: chosen.assignment,
    constraints,
    latencyBasis,
    price: chosen.price,
    costs: chosen.costs,
    points,
    evaluations: result.evaluations,
  };
}

/** Predicted loss of accuracy of an assignment, in percentage points. */
function accuracyPrice({ curves, baseline }: Sensitivity): (kept: Assignment) => number {
  const choices = curves.map(({ group, size, counts, points, inside }) => {
    const errors = points.map(({ kept, accuracy }) => ({ kept, loss: 100 * (1 - accuracy) }));
    const curve = priceCurve(size, 100 * (1 - baseline.accuracy), errors);
    return { id: group, counts, price: (kept: number) => priceOf(curve, kept), inside };
  });
  return (kept) => priceAt(choices, kept);
}

/** Shares of the original's MACs that are tried one after the other until the candidate, timed beside the original, is fast enough. */
const MAC_SHARES = [0.6, 0.5, 0.4, 0.32, 0.25, 0.2, 0.15, 0.1] as const;
/** The candidate is timed before it is trained; the limit is aimed at with this margin, because the artifact is timed again at the end. */
const TIMING_MARGIN = 0.9;

/** On this machine latency is measured, not predicted: candidates of fewer and fewer MACs are timed beside the original until one is within the limit. */
async function solveMeasured(context: RunContext, model: ImportedModel, sensitivity: Sensitivity): Promise<Budget> {
  const { limits } = context.config;
  if (limits.latencyMs === null && limits.latencyShare === null) return solve(context, model, sensitivity);
  const groups = findGroups(model.graph);
  const shared = candidateOptions(model.graph, context.config);
  let best = Number.POSITIVE_INFINITY;
  let lastLimit = 0;
  for (const macs of MAC_SHARES) {
    const budget = solve(context, model, sensitivity, { macs });
    const cut = candidate(model.graph, groups, sensitivity.scores, budget.kept, shared);
    const pair = [model.graph, cut].map((graph) => ({
      kind: "onnx" as const,
      model: runPasses(graph, deployPipeline),
    }));
    const [whole, small] = await timeModels(pair, model.sampleShape, 40);
    const limit = limits.latencyMs ?? limits.latencyShare! * whole!.medianMs;
    lastLimit = limit;
    best = Math.min(best, small!.medianMs);
    context.progress.note(
      `${(100 * macs).toFixed(0)} % of the MACs: ${small!.medianMs.toFixed(3)} ms, original ${whole!.medianMs.toFixed(3)} ms`,
    );
    if (small!.medianMs <= TIMING_MARGIN * limit) return budget;
  }
  throw budgetFailure([{ metric: "latencyMs", limit: lastLimit, best }], limits, context.config.granularity);
}
