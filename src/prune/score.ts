import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, valueById } from "../ir/index.ts";
import { DTYPES, seededRandom, sizeOf, type Tensor, toFloat32 } from "../tensor/index.ts";
import { CRITERIA, type Criterion, type CriterionName } from "./criteria/index.ts";
import { type GroupMember, type PruneGroup, type PruneGroups, sliceKey } from "./group-types.ts";

/** What `scoreGroups` needs besides the weights; `taylor` needs gradients, `random` the seed. */
export interface ScoreOptions {
  /** Gradient of the loss with respect to each weight, by weight name, shaped as the weight. Weights without one do not count. */
  readonly gradients?: ReadonlyMap<string, Tensor>;
  readonly seed?: number;
  /** How the scores of a unit in the weights of its group become one; default "mean". */
  readonly reduction?: "sum" | "mean" | "max";
  /** What the scores of a group are divided by, so that groups compare: nothing, their mean, largest or Euclidean norm; default "mean". */
  readonly normalisation?: "none" | "mean" | "max" | "l2";
  /** Which members count; default makers and consumers of the units, or all where there is none of these. */
  readonly roles?: readonly GroupMember["role"][];
}

/** Scores of every unit of every group, by group id, parallel to `group.units`: higher matters more. */
export function scoreGroups(
  graph: Graph,
  groups: PruneGroups,
  criterion: CriterionName | Criterion,
  options: ScoreOptions = {},
): Map<number, Float64Array> {
  const chosen: Criterion = typeof criterion === "string" ? CRITERIA[criterion] : criterion;
  if (chosen.gradients && options.gradients === undefined)
    throw new EspalierError("usage", `Criterion "${chosen.name}" needs gradients, none were given`);
  const sums = new Map<number, Float64Array>();
  return new Map(groups.groups.map((group) => [group.id, scoreGroup(graph, group, chosen, options, sums)]));
}

function scoreGroup(
  graph: Graph,
  group: PruneGroup,
  criterion: Criterion,
  options: ScoreOptions,
  sums: Map<number, Float64Array>,
): Float64Array {
  const scores = new Float64Array(group.size);
  if (criterion.element === null) {
    const random = seededRandom(options.seed ?? 0, `score/${group.name}`);
    return scores.map(() => random.next());
  }
  const counted = countedMembers(graph, group, criterion, options);
  const counts = new Uint32Array(group.size);
  for (const member of counted) {
    const key = sliceKey(member);
    let along = sums.get(key);
    if (along === undefined) {
      along = sumsAlong(graph, member, criterion, options.gradients);
      sums.set(key, along);
    }
    group.units.forEach((unit, i) => {
      for (const slice of unit.slices) {
        if (sliceKey(slice) !== key) continue;
        let sum = 0;
        for (const position of slice.positions) sum += along[position]!;
        const score = criterion.finish(sum);
        scores[i] = options.reduction === "max" ? Math.max(scores[i]!, score) : scores[i]! + score;
        counts[i]!++;
      }
    });
  }
  if ((options.reduction ?? "mean") === "mean")
    for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / Math.max(1, counts[i]!);
  return normalised(scores, options.normalisation ?? "mean");
}

function countedMembers(graph: Graph, group: PruneGroup, criterion: Criterion, options: ScoreOptions): GroupMember[] {
  const usable = group.members.filter((member) => {
    const value = valueById(graph, member.value);
    return DTYPES[value.type.dtype].float && (!criterion.gradients || options.gradients?.has(value.name) === true);
  });
  const roles = options.roles ?? ["out", "in"];
  const wanted = usable.filter((member) => roles.includes(member.role));
  const counted = wanted.length > 0 ? wanted : usable;
  if (counted.length === 0)
    throw new EspalierError("input", `Criterion "${criterion.name}" has nothing to score group "${group.name}" by`, {
      hint: criterion.gradients
        ? "Give the gradient of at least one of its weights."
        : "Its weights are not floating-point.",
    });
  return counted;
}

/** The criterion summed over all axes but the member's: one number a position, row-major over `axes`. */
function sumsAlong(
  graph: Graph,
  member: GroupMember,
  criterion: Criterion,
  gradients: ReadonlyMap<string, Tensor> | undefined,
): Float64Array {
  const value = valueById(graph, member.value);
  const weight = value.data!;
  const gradient = gradients?.get(value.name);
  if (gradient !== undefined && gradient.data.length !== weight.data.length)
    throw new EspalierError(
      "internal",
      `internal: gradient of "${value.name}" has ${gradient.data.length} elements, not ${weight.data.length}`,
    );
  const w = toFloat32(weight);
  const g = gradient === undefined ? w : toFloat32(gradient);
  const { element } = criterion;
  if (element === null) return new Float64Array(0);
  const [axis] = member.axes;
  return member.axes.length === 1
    ? sumsAlongAxis(weight.shape, axis!, w, g, element)
    : sumsAlongAxes(weight.shape, member.axes, w, g, element);
}

function sumsAlongAxis(
  shape: readonly number[],
  axis: number,
  w: Float32Array,
  g: Float32Array,
  element: NonNullable<Criterion["element"]>,
): Float64Array {
  const size = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const sums = new Float64Array(size);
  for (let at = 0, position = 0; at < w.length; position = position + 1 === size ? 0 : position + 1) {
    let sum = 0;
    for (const end = at + inner; at < end; at++) sum += element(w[at]!, g[at]!);
    sums[position]! += sum;
  }
  return sums;
}

function sumsAlongAxes(
  shape: readonly number[],
  axes: readonly number[],
  w: Float32Array,
  g: Float32Array,
  element: NonNullable<Criterion["element"]>,
): Float64Array {
  const sums = new Float64Array(sizeOf(axes.map((axis) => shape[axis]!)));
  const strides = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (const axis of [...axes].reverse()) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  const index = new Array<number>(shape.length).fill(0);
  let cell = 0;
  for (let at = 0; at < w.length; at++) {
    sums[cell]! += element(w[at]!, g[at]!);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      cell += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      cell -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return sums;
}

function normalised(scores: Float64Array, by: NonNullable<ScoreOptions["normalisation"]>): Float64Array {
  if (by === "none" || scores.length === 0) return scores;
  const divisor =
    by === "mean"
      ? scores.reduce((a, b) => a + b, 0) / scores.length
      : by === "max"
        ? scores.reduce((a, b) => Math.max(a, b), 0)
        : Math.sqrt(scores.reduce((a, b) => a + b * b, 0));
  return divisor > 0 ? scores.map((score) => score / divisor) : scores;
}
