import type { ValueId } from "../ir/index.ts";
import { type Family, supportOf } from "./family.ts";
import type { UnitIds } from "./unit-ids.ts";

/** An axis of a constant. */
interface Place {
  readonly value: ValueId;
  readonly axis: number;
}

/** An axis laid out as rows of columns. */
interface Grid extends Place {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Axes that are grids whose columns meet something that is the same for all rows (a rotary table that all heads share). One unit a position would
 * make each column one unit over all rows, and no row could be lost. Such an axis gets two layers of units instead, rows and columns; a position
 * goes with its row or with its column. They are found in one pass over the graph and used in the next.
 */
export class SharedColumns {
  readonly #known: ReadonlyMap<string, Grid>;
  readonly #found = new Map<string, Grid>();
  /** The axis that ids belong to, by the first of them. */
  readonly #owners = new Map<number, Place & { readonly size: number }>();

  constructor(known: ReadonlyMap<string, Grid> = new Map()) {
    this.#known = known;
  }

  /** Whether axes were found that are not laid out yet. */
  get grew(): boolean {
    return this.#found.size > 0;
  }

  /** What is known for the next pass. */
  next(): SharedColumns {
    return new SharedColumns(new Map([...this.#known, ...this.#found]));
  }

  /** New units of an axis of a constant. */
  unitsOf(ids: UnitIds, place: Place, size: number): Int32Array[] {
    const grid = this.#known.get(keyOf(place));
    if (grid === undefined) {
      const own = ids.fresh(size);
      this.#owners.set(own[0]!, { ...place, size });
      return [own];
    }
    const [rows, columns] = [ids.fresh(grid.rows), ids.fresh(grid.columns)];
    return [
      Int32Array.from({ length: size }, (_, i) => rows[Math.floor(i / grid.columns)]!),
      Int32Array.from({ length: size }, (_, i) => columns[i % grid.columns]!),
    ];
  }

  /** A family meets something that only its inner axis is in: if it is an axis of a constant, whole and in order, that axis is such a grid. */
  meet(family: Family): void {
    const support = supportOf(family);
    const owner = this.#owners.get(family.ids[0]!);
    if (support.length !== 2 || owner === undefined || owner.size !== family.ids.length) return;
    if (!family.ids.every((id, i) => id === family.ids[0]! + i)) return;
    const [rows, columns] = support.map((axis) => family.shape[axis]!) as [number, number];
    this.#found.set(keyOf(owner), { value: owner.value, axis: owner.axis, rows, columns });
  }
}

function keyOf({ value, axis }: Place): string {
  return `${value}:${axis}`;
}
