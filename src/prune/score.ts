import { EspalierError, suggestion } from "../diagnostics/index.ts";
import { type Graph, valueById } from "../ir/index.ts";
import { DTYPES, seededRandom, toFloat32 } from "../tensor/index.ts";
import { CRITERIA, type Criterion, type CriterionName, type ElementCriterion } from "./criteria/index.ts";
import { sumsAlong } from "./element-sums.ts";
import type { Evidence } from "./evidence.ts";
import { type GroupMember, type PruneGroup, type PruneGroups, sliceKey } from "./group-types.ts";
import { type Normalisation, normalise } from "./normalise.ts";
import { unitVectors } from "./unit-vectors.ts";

/** How units are scored. What the criterion needs beyond weights (its `needs`) is the evidence: `gatherEvidence` collects it. */
export interface ScoreOptions extends Evidence {
  /** For `random`; default 0. */
  readonly seed?: number;
  /** How the scores of a unit in the weights (or activations) of its group become one; default "mean". */
  readonly reduction?: "sum" | "mean" | "max";
  /** How groups are made comparable; default "mean". */
  readonly normalisation?: Normalisation;
  /** Which members count; default makers and consumers of the units, or all where there is none of these. */
  readonly roles?: readonly GroupMember["role"][];
  /** The criterion for groups of which the chosen one sees nothing (no batch normalisation, no attention); without, they are an error. */
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
  const chosen = criterionOf(criterion);
  checkEvidence(chosen, options);
  const other = options.otherwise === undefined ? null : criterionOf(options.otherwise);
  if (other !== null) checkEvidence(other, options);
  const [own, spare] = [new Map<number, Float64Array>(), new Map<number, Float64Array>()];
  const scores = new Map<number, Float64Array>();
  for (const group of groups.groups) {
    const found =
      scoreGroup(graph, group, chosen, options, own) ??
      (other === null ? null : scoreGroup(graph, group, other, options, spare));
    if (found === null)
      throw new EspalierError("input", `Criterion "${chosen.name}" has nothing to score group "${group.name}" by`, {
        hint: "Choose a criterion of weights (l1, l2), or name one for such groups: `otherwise`.",
      });
    scores.set(group.id, found);
  }
  return scores;
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
function scoreGroup(
  graph: Graph,
  group: PruneGroup,
  criterion: Criterion,
  options: ScoreOptions,
  sums: Map<number, Float64Array>,
): Float64Array | null {
  if (criterion.kind === "draw") {
    const random = seededRandom(options.seed ?? 0, `score/${group.name}`);
    return new Float64Array(group.size).map(() => random.next());
  }
  const parts = partsOf(graph, group, criterion, options, sums);
  if (parts.length === 0) return null;
  return normalise(reduced(parts, group.size, options.reduction ?? "mean"), options.normalisation ?? "mean");
}

/** Scores of the units in each weight or activation; NaN for a unit that is not in it. */
function partsOf(
  graph: Graph,
  group: PruneGroup,
  criterion: Exclude<Criterion, { readonly kind: "draw" }>,
  options: ScoreOptions,
  sums: Map<number, Float64Array>,
): readonly Float64Array[] {
  if (criterion.kind === "samples" || criterion.kind === "activations")
    return options.observed?.get(criterion.name)?.get(group.id) ?? [];
  const members = countedMembers(graph, group, criterion, options);
  if (criterion.kind === "elements")
    return members.map((member) => elementScores(graph, group, member, criterion, options, sums));
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

function evidenceFor(criterion: Criterion, options: Evidence): ReadonlyMap<string, Float32Array> | null {
  if (criterion.needs === "fisher") return options.fisher ?? null;
  if (criterion.needs !== "gradients" || options.gradients === undefined) return null;
  return new Map([...options.gradients].map(([name, gradient]) => [name, toFloat32(gradient)]));
}

function countedMembers(graph: Graph, group: PruneGroup, criterion: Criterion, options: ScoreOptions): GroupMember[] {
  const known = criterion.needs === "fisher" ? options.fisher : criterion.needs === "gradients" ? options.gradients : null;
  const usable = group.members.filter((member) => {
    const value = valueById(graph, member.value);
    return DTYPES[value.type.dtype].float && (known === null || known?.has(value.name) === true);
  });
  if (criterion.kind === "elements" && criterion.counts !== undefined)
    return usable.filter((member) => criterion.counts!(graph, member.value));
  const roles = options.roles ?? ["out", "in"];
  const wanted = usable.filter((member) => roles.includes(member.role));
  return wanted.length > 0 ? wanted : usable;
}

function elementScores(
  graph: Graph,
  group: PruneGroup,
  member: GroupMember,
  criterion: ElementCriterion,
  options: ScoreOptions,
  sums: Map<number, Float64Array>,
): Float64Array {
  const key = sliceKey(member);
  let along = sums.get(key);
  if (along === undefined) {
    along = sumsOf(graph, member, criterion, options);
    sums.set(key, along);
  }
  const combine = criterion.combine ?? "sum";
  return Float64Array.from(group.units, (unit) => {
    let [combined, found] = [combine === "max" ? Number.NEGATIVE_INFINITY : 0, false];
    for (const slice of unit.slices) {
      if (sliceKey(slice) !== key) continue;
      found = true;
      for (const position of slice.positions)
        combined = combine === "sum" ? combined + along[position]! : Math.max(combined, along[position]!);
    }
    return found ? criterion.finish(combined) : Number.NaN;
  });
}
