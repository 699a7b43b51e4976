import { type Graph, type Node, type Shape, type ValueId, valueById } from "../ir/index.ts";
import type { CutView, NodeChange } from "../ops/index.ts";
import { concatFamilies, type Family, remapFamily, selectFamily, supportOf, withoutInvariantAxes } from "./family.ts";
import { SharedColumns } from "./shared-columns.ts";
import { UnitIds } from "./unit-ids.ts";

/** A unit that stands for rows of a grid: it is cut exactly when all its members are. */
export interface RowUnit {
  readonly id: number;
  readonly members: Int32Array;
}

/** A sum over a tracked axis: where cut units must be zero for the rest to be what the cut graph computes. */
export interface Contraction {
  readonly node: Node;
  /** Operands with the axis that is summed over; the second is absent for reductions. */
  readonly operands: readonly { readonly input: number; readonly axis: number }[];
}

/** Statistics (a mean, the moments of a normalisation) over tracked axes of input 0: the cut graph takes them over what is left. */
export interface Statistics {
  readonly node: Node;
  readonly axes: readonly number[];
}

/** What may be cut besides what is exact. */
export interface CouplingOptions {
  /**
   * Lets axes that a normalisation or a mean takes statistics over be cut. The model then computes these statistics over the units that are
   * left, and is proved against the original whose statistics leave the cut units out. Default: such axes stay, `norm-statistics`.
   */
  readonly allowNormStatistics?: boolean;
}

/** All that is known after running the graph on unit ids. Families of constants are in the constant's own axes. */
export class Coupling {
  readonly graph: Graph;
  readonly ids = new UnitIds();
  readonly families = new Map<ValueId, readonly Family[]>();
  readonly rows: RowUnit[] = [];
  /** Index tensors that must stay rectangular beyond those of values (blocks of a grouped convolution, parts of a split). */
  readonly grids: Family[] = [];
  readonly contractions: Contraction[] = [];
  readonly statistics: Statistics[] = [];
  readonly allowNormStatistics: boolean;
  readonly changes = new Map<Node, (view: CutView) => NodeChange>();
  readonly #pinned = new Map<string, string>();
  readonly #rowCache = new Map<Int32Array, Map<string, Family>>();

  readonly sharedColumns: SharedColumns;

  constructor(graph: Graph, options: CouplingOptions = {}, sharedColumns = new SharedColumns()) {
    this.graph = graph;
    this.sharedColumns = sharedColumns;
    this.allowNormStatistics = options.allowNormStatistics ?? false;
  }

  isConstant(value: ValueId): boolean {
    return valueById(this.graph, value).data !== undefined;
  }

  shapeOf(value: ValueId): Shape {
    return valueById(this.graph, value).type.shape;
  }

  /** Families of a value as far as they are known. */
  known(value: ValueId): readonly Family[] {
    return this.families.get(value) ?? [];
  }

  /** Families of a value; the axes of a constant that have none yet get units of their own. */
  familiesOf(value: ValueId): readonly Family[] {
    if (!this.isConstant(value)) return this.known(value);
    this.shapeOf(value).forEach((_, axis) => {
      this.constantAxis(value, axis);
    });
    return this.known(value);
  }

  /** Makes sure that an axis of a constant has units: one a position, or those of its rows and those of its columns. */
  constantAxis(value: ValueId, axis: number): void {
    const shape = this.shapeOf(value) as readonly number[];
    if (shape[axis] === 1 || this.known(value).some((f) => f.shape[axis]! > 1)) return;
    const along = shape.map((size, i) => (i === axis ? size : 1));
    for (const ids of this.sharedColumns.unitsOf(this.ids, { value, axis }, shape[axis]!))
      this.adopt(value, { shape: along, ids });
  }

  /** Lays a family over a constant; on an axis that is pinned it is frozen. */
  adopt(value: ValueId, family: Family): void {
    this.families.set(value, [...this.known(value), family]);
    for (const axis of supportOf(family)) {
      const reason = this.#pinned.get(`${value}:${axis}`);
      if (reason !== undefined) this.freezeFamily(family, reason);
    }
  }

  /** Fixes the size of an axis of a value: for what is known of it now and, as another node may use a constant too, later. */
  pin(value: ValueId, axis: number, reason: string): void {
    for (const family of this.known(value)) if (family.shape[axis]! > 1) this.freezeFamily(family, reason);
    if (this.isConstant(value)) this.#pinned.set(`${value}:${axis}`, reason);
  }

  /** Pins the axes of a value, all by default. */
  pinAxes(value: ValueId, reason: string, axes?: readonly number[]): void {
    for (const axis of axes ?? this.shapeOf(value).keys()) this.pin(value, axis, reason);
  }

  /**
   * Positions of a value mix along axes, each position of the other axes on its own: what is tracked along them goes together, where other axes
   * are tracked too (whole groups of a group normalisation, whole heads), and else keeps its size. The families of the value that are left.
   */
  mix(value: ValueId, axes: readonly number[], reason: string): readonly Family[] {
    if (this.isConstant(value)) {
      this.pinAxes(value, reason, axes);
      return this.known(value).filter((family) => axes.every((axis) => family.shape[axis] === 1));
    }
    return this.known(value).flatMap((family) => {
      const along = axes.filter((axis) => family.shape[axis]! > 1);
      if (along.length < supportOf(family).length)
        return [along.reduce((one, axis) => this.collapse(one, axis), family)];
      this.freezeFamily(family, reason);
      return [];
    });
  }

  freezeFamily(family: Family, reason: string): void {
    for (const id of family.ids) this.ids.freeze(id, reason);
  }

  /** States the families of a computed value; axes on which the class never changes are dropped, and frozen if nothing is left. */
  setOutput(value: ValueId, families: readonly Family[]): void {
    const kept: Family[] = [];
    for (const family of families) {
      const simple = withoutInvariantAxes(family, (id) => this.ids.find(id));
      if (simple === null) this.freezeFamily(family, "single-unit");
      else kept.push(simple);
    }
    this.families.set(value, kept);
  }

  /** Two index tensors of equal size name the same positions. */
  unify(a: Int32Array, b: Int32Array): void {
    for (let i = 0; i < a.length; i++) this.ids.union(a[i]!, b[i]!);
  }

  /** Makes the units of a family independent of an axis: positions along it go together. */
  collapse(family: Family, axis: number): Family {
    const first = selectFamily(family, axis, [0]);
    const size = family.shape[axis]!;
    for (let p = 1; p < size; p++) this.unify(first.ids, selectFamily(family, axis, [p]).ids);
    return first;
  }

  /**
   * The family as seen on some of its axes only. Axes after the last of them become rows: a row goes when all its units go. Axes before
   * it would have to be cut the same everywhere, so their units are joined.
   */
  project(family: Family, axes: readonly number[]): Family {
    const last = Math.max(-1, ...axes);
    let current = family;
    for (const axis of supportOf(family)) {
      if (axis >= last || axes.includes(axis)) continue;
      this.sharedColumns.meet(family);
      current = this.collapse(current, axis);
    }
    const trailing = supportOf(current).filter((axis) => axis > last);
    return trailing.length === 0 ? current : this.#rowsOf(current, last + 1);
  }

  #rowsOf(family: Family, leading: number): Family {
    const cache = this.#rowCache.get(family.ids) ?? new Map<string, Family>();
    this.#rowCache.set(family.ids, cache);
    const shape = family.shape.map((size, axis) => (axis < leading ? size : 1));
    const count = shape.reduce((a, b) => a * b, 1);
    const key = `${family.shape.join()}/${leading}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const width = family.ids.length / count;
    const ids = this.ids.fresh(count);
    for (let r = 0; r < count; r++)
      this.rows.push({ id: ids[r]!, members: family.ids.slice(r * width, (r + 1) * width) });
    const rows = { shape, ids };
    cache.set(key, rows);
    return rows;
  }

  /**
   * Moves a family into a space of `rank` axes. Where the move would exchange tracked axes, what is kept could not stay rectangular, so
   * units are joined across all but the largest set of axes that keep their order.
   */
  remap(family: Family, axes: readonly number[], rank: number): Family {
    const support = supportOf(family);
    const kept = largestOrdered(support, (axis) => axes[axis]!, family.shape);
    let current = family;
    for (const axis of support) if (!kept.has(axis)) current = this.collapse(current, axis);
    return remapFamily(current, axes, rank);
  }

  /** Concatenation of parts along an axis, null parts filled with positions that stay. */
  concat(parts: readonly (Family | number)[], shape: readonly number[], axis: number, reason: string): Family {
    const filled = parts.map((part) => {
      if (typeof part !== "number") return part;
      const own = shape.map((size, i) => (i === axis ? part : size));
      const ids = this.ids.fresh(own.reduce((a, b) => a * b, 1));
      for (const id of ids) this.ids.freeze(id, reason);
      return { shape: own, ids };
    });
    return concatFamilies(filled, axis);
  }
}

/** The increasing subsequence (by new place) of tracked axes with the most positions. */
function largestOrdered(
  support: readonly number[],
  place: (axis: number) => number,
  shape: readonly number[],
): Set<number> {
  const best = support.map((axis) => ({ product: shape[axis]!, from: -1 }));
  let top = -1;
  support.forEach((axis, i) => {
    for (let j = 0; j < i; j++) {
      const product = best[j]!.product * shape[axis]!;
      if (place(support[j]!) < place(axis) && product > best[i]!.product) best[i] = { product, from: j };
    }
    if (top < 0 || best[i]!.product > best[top]!.product) top = i;
  });
  const kept = new Set<number>();
  for (let at = top; at >= 0; at = best[at]!.from) kept.add(support[at]!);
  return kept;
}
