import type { ValueId } from "../ir/index.ts";
import { CONTRACTED, OPAQUE, type Operand } from "../ops/index.ts";
import type { Coupling } from "./coupling.ts";
import { type Family, supportOf } from "./family.ts";

/** An operand in the joint space of a node: its size on each joint axis (1: absent or broadcast) and its families there. */
export interface Term {
  readonly shape: readonly number[];
  readonly families: readonly Family[];
  /** For a constant, which can take on families: its id and the joint axis of each of its own axes. */
  readonly constant: { readonly value: ValueId; readonly axes: readonly number[] } | null;
  /** Why an axis of it may be untracked. */
  readonly reason: string;
}

/** An input seen in a joint space of `rank` axes, contracted axes at the place `contracted`. */
export function termOf(
  coupling: Coupling,
  value: ValueId,
  operand: Operand,
  rank: number,
  contracted: number,
  reason: string,
  opaque = "mixed",
): Term {
  const shape = new Array<number>(rank).fill(1);
  const own = coupling.shapeOf(value);
  const axes = own.map((size, i) => {
    const to = operand.axes[i]!;
    if (to === OPAQUE) return OPAQUE;
    const place = to === CONTRACTED ? contracted : to;
    if (typeof size === "number") shape[place] = size;
    return place;
  });
  const mixing = axes.flatMap((place, i) => (place === OPAQUE ? [i] : []));
  const left = mixing.length === 0 ? coupling.known(value) : coupling.mix(value, mixing, opaque);
  const families = left.map((family) => coupling.remap(family, axes, rank));
  return { shape, families, constant: coupling.isConstant(value) ? { value, axes } : null, reason };
}

/** Lets terms meet position by position; the families of the result. Constants take on what the computed terms track. */
export function meet(coupling: Coupling, terms: readonly Term[]): readonly Family[] {
  const computed = terms.filter((term) => term.constant === null || term.families.length > 0);
  let merged: readonly Family[] = [];
  for (const term of computed) merged = combine(coupling, merged, term.families);
  const activations = terms.filter((term) => term.constant === null);
  for (const family of merged) {
    for (const axis of supportOf(family)) {
      const blind = activations.find((t) => t.shape[axis]! > 1 && !t.families.some((f) => f.shape[axis]! > 1));
      if (blind !== undefined) fixAxis(coupling, family, axis, blind.reason);
    }
  }
  for (const term of terms) if (term.constant !== null) merged = settle(coupling, merged, term, activations);
  return merged;
}

/** An axis of a family that cannot shrink: of a grid's outer axes only whole rows are lost, the choice inside the rows stays free. */
function fixAxis(coupling: Coupling, family: Family, axis: number, reason: string): void {
  const outer = supportOf(family).filter((other) => other <= axis);
  const inner = supportOf(family).length > outer.length;
  coupling.freezeFamily(inner ? coupling.project(family, outer) : family, reason);
}

/** A constant takes on the merged families on its axes; its remaining axes have units of their own, unless an activation is blind there. */
function settle(
  coupling: Coupling,
  merged: readonly Family[],
  term: Term,
  activations: readonly Term[],
): readonly Family[] {
  const { value, axes } = term.constant!;
  const own = coupling.shapeOf(value);
  const covered = (axis: number) => term.families.some((f) => f.shape[axis]! > 1);
  for (const family of merged) {
    const axesHere = supportOf(family).filter((axis) => term.shape[axis]! > 1 && !covered(axis));
    if (axesHere.length === 0 || supportOf(family).some((axis) => term.shape[axis]! > 1 && covered(axis))) continue;
    const projected = coupling.project(family, axesHere);
    const back = projected.shape.map((_, axis) => axes.indexOf(axis));
    coupling.adopt(value, coupling.remap(projected, back, own.length));
  }
  let result = merged;
  axes.forEach((axis, i) => {
    if (axis === OPAQUE || term.shape[axis] === 1 || result.some((f) => f.shape[axis]! > 1)) return;
    const blind = activations.find((t) => t.shape[axis]! > 1);
    if (blind === undefined) {
      coupling.constantAxis(value, i);
      const fresh = coupling.known(value).filter((f) => f.shape[i]! > 1);
      result = [...result, ...fresh.map((family) => coupling.remap(family, axes, term.shape.length))];
    } else {
      coupling.constantAxis(value, i);
      coupling.pin(value, i, blind.reason);
    }
  });
  return result;
}

/** Families of two values that meet: equal axes unify, a subset of axes meets the rows of a finer family, disjoint ones stay apart. */
function combine(coupling: Coupling, left: readonly Family[], right: readonly Family[]): readonly Family[] {
  const result = [...left];
  for (const family of right) {
    const support = supportOf(family);
    const partners = partnersOf(family, left, right);
    for (const i of partners) {
      const other = result[i]!;
      const otherSupport = supportOf(other);
      const shared = support.filter((axis) => otherSupport.includes(axis));
      if (shared.length === otherSupport.length) {
        coupling.unify(coupling.project(family, shared).ids, other.ids);
        result[i] = family;
      } else if (shared.length === support.length) {
        coupling.unify(coupling.project(other, shared).ids, family.ids);
      } else {
        coupling.freezeFamily(family, "crossing-grids");
        coupling.freezeFamily(other, "crossing-grids");
      }
    }
    if (partners.length === 0) result.push(family);
  }
  return dedupe(result);
}

/** Which families of the left value a family of the right one meets: the one in the same place where both lay as many on the same axes, else all that share an axis. */
function partnersOf(family: Family, left: readonly Family[], right: readonly Family[]): number[] {
  const overlaps = (other: Family) => other.shape.some((size, axis) => size > 1 && family.shape[axis]! > 1);
  const meeting = left.flatMap((other, i) => (overlaps(other) ? [i] : []));
  const same = (other: Family) => other.shape.join() === family.shape.join();
  const peers = right.filter(same);
  if (meeting.length !== peers.length || !meeting.every((i) => same(left[i]!))) return meeting;
  return [meeting[peers.indexOf(family)]!];
}

function dedupe(families: readonly Family[]): readonly Family[] {
  return families.filter(
    (family, i) =>
      !families.slice(0, i).some((other) => other.ids === family.ids && other.shape.join() === family.shape.join()),
  );
}
