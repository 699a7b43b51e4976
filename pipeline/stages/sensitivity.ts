import { subset } from "../../src/data/index.ts";
import type { Graph } from "../../src/ir/index.ts";
import {
  enclosingBlocks,
  findGroups,
  gatherEvidence,
  granularityOf,
  type PruneBlock,
  type PruneGroups,
  scoreGroups,
} from "../../src/prune/index.ts";
import { evaluate, reestimateBatchNorm } from "../../src/train/index.ts";
import { candidate, candidateOptions, choicesOf, cuttable, grainOf, removable, type Scores } from "../candidates.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";
import type { Baseline } from "./baseline.ts";
import type { ImportedModel } from "./import.ts";

/** A group, or a residual block: one unit that stays or goes. */
export interface GroupCurve {
  readonly group: string;
  /** What its units are, for people: "channels", "heads", "residual block". */
  readonly unit: string;
  /** Blocks with which it is gone, by name. */
  readonly inside: readonly string[];
  readonly members: readonly string[];
  readonly size: number;
  /** Numbers of units it may keep, falling. */
  readonly counts: readonly number[];
  readonly points: readonly { readonly kept: number; readonly loss: number; readonly accuracy: number }[];
}

export interface Sensitivity {
  readonly samples: number;
  readonly baseline: { readonly loss: number; readonly accuracy: number };
  readonly scores: Scores;
  readonly curves: readonly GroupCurve[];
  readonly frozen: readonly { readonly axis: string; readonly reason: string }[];
}

/** Batches of training samples that re-estimate batch-norm statistics after a cut. */
export const REESTIMATE = { batches: 4, batch: 64 } as const;

/** Measures what each group can lose: scores the units, cuts each group alone to several sizes, and evaluates on held-out samples. */
export async function sensitivityStage(
  context: RunContext,
  model: ImportedModel,
  baseline: Staged<Baseline>,
): Promise<Staged<Sensitivity>> {
  const { config, data } = context;
  const { sensitivity: settings, minimumUnits } = config.target;
  return runStage(context, {
    name: "sensitivity",
    what: `how much each group can lose (${config.criterion}, ${Math.min(settings.samples, data.heldOut.length)} held-out samples)`,
    inputs: {
      baseline: baseline.key,
      criterion: config.criterion,
      settings,
      seed: config.seed,
      granularity: config.granularity,
      grain: grainOf(config.target, config.profile),
      minimumUnits,
    },
    compute: async () => {
      const groups = findGroups(model.graph);
      const scores = await scoreUnits(context, model, groups);
      const samples = Math.min(settings.samples, data.heldOut.length);
      const heldOut = subset(
        data.heldOut,
        Int32Array.from({ length: samples }, (_, i) => i),
      );
      const whole = await evaluate(model.graph, heldOut);
      const plans = plansOf(context, model.graph, groups);
      const options = candidateOptions(model.graph, config);
      const total = plans.reduce((sum, plan) => sum + plan.measured.length, 0);
      let done = 0;
      const curves: GroupCurve[] = [];
      for (const { measured, ...plan } of plans) {
        const points: GroupCurve["points"][number][] = [];
        for (const kept of measured) {
          const cut = candidate(model.graph, groups, scores, { [plan.group]: kept }, options);
          const { loss, accuracy } = await evaluate(await reestimateBatchNorm(cut, data.train, REESTIMATE), heldOut);
          points.push({ kept, loss, accuracy });
          context.progress.step(++done, total, plan.group);
        }
        curves.push({ ...plan, points });
      }
      const frozen = groups.frozen.map((axis) => ({ axis: `${axis.name}[${axis.axis}]`, reason: axis.reason }));
      return {
        files: {},
        json: { samples, baseline: { loss: whole.loss, accuracy: whole.accuracy }, scores, curves, frozen },
      };
    },
    summary: ({ curves }) =>
      `${curves.length} groups, ${curves.reduce((sum, c) => sum + c.points.length, 0)} measurements`,
  });
}

interface Plan extends Omit<GroupCurve, "points"> {
  /** The counts at which it is measured. */
  readonly measured: readonly number[];
}

/** What is measured: every group at a few sizes, every block once, without it. */
function plansOf({ config }: RunContext, graph: Graph, groups: PruneGroups): Plan[] {
  const { sensitivity: settings, minimumUnits } = config.target;
  const grain = grainOf(config.target, config.profile);
  const chosen = cuttable(groups, config.granularity);
  const blocks = removable(graph, config.granularity);
  const enclosing = enclosingBlocks(graph, blocks, chosen);
  const inside = (name: string) => enclosing.get(name)!;
  return [
    ...chosen.map((group): Plan => {
      const { name, size, texts: members } = group;
      const counts = choicesOf(group, grain, minimumUnits);
      const measured = measuredCounts(counts, settings.ratios);
      const unit = granularityOf(graph, groups, group);
      return { group: name, unit, inside: inside(name), members, size, counts, measured };
    }),
    ...blocks.map((block): Plan => {
      const { name, nodes: members } = block;
      return {
        group: name,
        unit: unitOf(block),
        inside: inside(name),
        members,
        size: 1,
        counts: [1, 0],
        measured: [0],
      };
    }),
  ];
}

/** A product with a gate is a residual block whose branch multiplies. */
function unitOf({ join }: PruneBlock): string {
  return join?.neutral === 1 ? "gate" : "residual block";
}

/** The allowed counts nearest to the ratios, without the whole. */
function measuredCounts(counts: readonly number[], ratios: readonly number[]): number[] {
  const size = counts[0]!;
  const nearest = ratios.map((ratio) =>
    counts.reduce((best, count) => (Math.abs(count - ratio * size) < Math.abs(best - ratio * size) ? count : best)),
  );
  return [...new Set(nearest)].filter((count) => count < size).sort((a, b) => b - a);
}

async function scoreUnits(context: RunContext, model: ImportedModel, groups: PruneGroups): Promise<Scores> {
  const { config, data } = context;
  const evidence = await gatherEvidence(model.graph, groups, config.criterion, data.train, { seed: config.seed });
  const scored = scoreGroups(model.graph, groups, config.criterion, {
    ...evidence,
    seed: config.seed,
    otherwise: "l1",
  });
  return Object.fromEntries(groups.groups.map((group) => [group.name, Array.from(scored.get(group.id)!)]));
}
