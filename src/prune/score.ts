import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type Graph, valueById } from "../ir/index.ts";
import { DTYPES, seededRandom, type Tensor, toFloat32 } from "../tensor/index.ts";
import { CRITERIA, type Criterion, type CriterionName, type ElementCriterion } from "./criteria/index.ts";
import { sumsAlong } from "./element-sums.ts";
import type { CriterionEvidence } from "./evidence.ts";
import { type GroupMember, type PruneGroup, type PruneGroups, sliceKey } from "./group-types.ts";
import { type Normalisation, normalise } from "./normalise.ts";
import { unitVectors } from "./unit-vectors.ts";

/** How units are scored. What the criterion needs beyond weights (its `needs`) is the evidence: `gatherEvidence` collects it. */
export interface ScoreOptions extends CriterionEvidence {
  /** For `random`; default 0. */
  readonly seed?: number;
  /** How the scores of a unit in the weights (or activations) of its group become one; default "mean". */
  readonly reduction?: "sum" | "mean" | "max";
  /** How groups are made comparable; default "mean". */
  readonly normalisation?: Normalisation;
  /** Which members count; default makers and consumers of the units, or all where there is none of these. */
  readonly roles?: readonly GroupMember["role"][];
  /** The criterion for groups of which the chosen one sees nothing (no batch normalisation, no attention); without, and if it sees none at all, an error. */
  readonly otherwise?: CriterionName | Criterion;
}

/** A criterion by name; an unknown name is refused with a suggestion. */
export function criterionOf(criterion: CriterionName | Criterion): Criterion {
  if (typeof criterion !== "string") return criterion;
  if (!Object.hasOwn(CRITERIA, criterion))
    throw new EspalierError("usage", `Unknown criterion "${criterion}"`, {
      hint: suggestion(criterion, Object.keys(CRITERIA)),
    });
  return CRITERIA[criterion];
}

/** Scores of every unit of every group, by group id, parallel to `group.units`: higher matters more. */
export function scoreGroups(
  graph: Graph,
  groups: PruneGroups,
  criterion: CriterionName | Criterion,
  options: ScoreOptions = {},
): Map<number, Float64Array> {
  const scorers = [criterion, ...(options.otherwise === undefined ? [] : [options.otherwise])].map((name): Scorer => {
    const chosen = criterionOf(name);
    checkEvidence(chosen, options);
    return { graph, criterion: chosen, options, sums: new Map() };
  });
  const found = groups.groups.map((group) => scorers.map((scorer) => scoreGroup(scorer, group)));
  const { name } = scorers[0]!.criterion;
  if (found.length > 0 && found.every(([own]) => own === null))
    throw new EspalierError("input", `Criterion "${name}" sees nothing of any of the ${found.length} groups`, {
      where: `graph "${graph.name}"`,
      hint: "Choose a criterion of weights (l1, l2).",
    });
  return new Map(
    groups.groups.map((group, i) => {
      const scores = found[i]!.find((candidate) => candidate !== null);
      if (scores === undefined || scores === null)
        throw new EspalierError("input", `Criterion "${name}" has nothing to score group "${group.name}" by`, {
          hint: "Choose a criterion of weights (l1, l2), or name one for such groups: `otherwise`.",
        });
      return [group.id, scores];
    }),
  );
}

/** A criterion at work on a graph; `sums` holds what several groups read of one weight. */
interface Scorer {
  readonly graph: Graph;
  readonly criterion: Criterion;
  readonly options: ScoreOptions;
  readonly sums: Map<number, Float64Array>;
}

function checkEvidence(criterion: Criterion, options: ScoreOptions): void {
  const given = {
    nothing: true,
    weights: true,
    gradients: options.gradients !== undefined,
    fisher: options.fisher !== undefined,
    "sample-gradients": options.observed?.has(criterion.name) === true,
    activations: options.observed?.has(criterion.name) === true,
  };
  if (!given[criterion.needs])
    throw new EspalierError("usage", `Criterion "${criterion.name}" needs ${criterion.needs}, none were given`, {
      hint: "Collect them from labelled samples: gatherEvidence(graph, groups, criterion, data).",
    });
}

/** Null where the criterion sees nothing of the group. */
function scoreGroup(scorer: Scorer, group: PruneGroup): Float64Array | null {
  const { criterion, options } = scorer;
  if (criterion.kind === "draw") {
    const random = seededRandom(options.seed ?? 0, `score/${group.name}`);
    return new Float64Array(group.size).map(() => random.next());
  }
  const parts = partsOf(scorer, group);
  if (parts.length === 0) return null;
  return normalise(reduced(parts, group.size, options.reduction ?? "mean"), options.normalisation ?? "mean");
}

/** Scores of the units in each weight or activation; NaN for a unit that is not in it. */
function partsOf(scorer: Scorer, group: PruneGroup): readonly Float64Array[] {
  const { graph, criterion, options } = scorer;
  if (criterion.kind === "samples" || criterion.kind === "activations")
    return options.observed?.get(criterion.name)?.get(group.id) ?? [];
  const members = countedMembers(scorer, group);
  if (criterion.kind === "elements") return members.map((member) => elementScores(scorer, criterion, group, member));
  if (criterion.kind === "draw") return [];
  if (criterion.kind === "joint")
    return members.length === 0 ? [] : [criterion.weights(members.map((member) => unitVectors(graph, group, member)))];
  return members.map((member) => {
    const rows = unitVectors(graph, group, member);
    return criterion.vectors(rows).map((score, i) => (rows[i]!.length === 0 ? Number.NaN : score));
  });
}

function reduced(parts: readonly Float64Array[], size: number, reduction: "sum" | "mean" | "max"): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    const own = parts.map((part) => part[i]!).filter((score) => !Number.isNaN(score));
    if (own.length === 0) return 0;
    if (reduction === "max") return own.reduce((most, score) => Math.max(most, score));
    const sum = own.reduce((total, score) => total + score, 0);
    return reduction === "sum" ? sum : sum / own.length;
  });
}

/** What the criterion reads next to a weight: undefined where it needs something that the weight has not. */
function evidenceOf({ criterion, options }: Scorer, name: string, weight: Tensor): Tensor | undefined {
  if (criterion.needs === "gradients") return options.gradients?.get(name);
  return criterion.needs === "fisher" ? options.fisher?.get(name) : weight;
}

function countedMembers(scorer: Scorer, group: PruneGroup): GroupMember[] {
  const { graph, criterion, options } = scorer;
  const usable = group.members.filter((member) => {
    const { name, data } = valueById(graph, member.value);
    return data !== undefined && DTYPES[data.dtype].float && evidenceOf(scorer, name, data) !== undefined;
  });
  if (criterion.kind === "elements" && criterion.counts !== undefined)
    return usable.filter((member) => criterion.counts!(graph, member.value));
  const roles = options.roles ?? (criterion.kind === "joint" ? criterion.roles : undefined) ?? ["out", "in"];
  const wanted = usable.filter((member) => roles.includes(member.role));
  return wanted.length > 0 ? wanted : usable;
}

function elementScores(
  scorer: Scorer,
  criterion: ElementCriterion,
  group: PruneGroup,
  member: GroupMember,
): Float64Array {
  const key = sliceKey(member);
  let along = scorer.sums.get(key);
  if (along === undefined) {
    along = sumsOf(scorer, criterion, member);
    scorer.sums.set(key, along);
  }
  const largest = criterion.combine === "max";
  return Float64Array.from(group.units, (unit) => {
    let combined = largest ? Number.NEGATIVE_INFINITY : 0;
    let found = false;
    for (const slice of unit.slices) {
      if (sliceKey(slice) !== key) continue;
      found = true;
      for (const position of slice.positions)
        combined = largest ? Math.max(combined, along[position]!) : combined + along[position]!;
    }
    return found ? criterion.finish(combined) : Number.NaN;
  });
}

/** The criterion combined over all axes but the member's: one number a position. */
function sumsOf(scorer: Scorer, criterion: ElementCriterion, member: GroupMember): Float64Array {
  const { name, data } = valueById(scorer.graph, member.value);
  const evidence = evidenceOf(scorer, name, data!)!;
  if (evidence.data.length !== data!.data.length)
    throw new EspalierError(
      "internal",
      `internal: the ${criterion.needs} of "${name}" have ${evidence.data.length} elements, not ${data!.data.length}`,
    );
  const w = toFloat32(data!);
  const e = evidence === data ? w : toFloat32(evidence);
  return sumsAlong(data!.shape, member.axes, w, e, criterion.element, criterion.combine);
}
