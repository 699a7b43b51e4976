import { EspalierError } from "../diagnostics/index.ts";
import { type Family, supportOf } from "./family.ts";

/** Tracked axes of a value that depend on one another, with the positions (row-major over those axes) that a cut leaves. */
export interface KeptPart {
  readonly axes: readonly number[];
  readonly flat: readonly number[];
}

/** What a cut leaves of a value: parts over its tracked axes; the new size and the kept positions of each of them. */
export interface Kept {
  readonly parts: readonly KeptPart[];
  readonly sizes: ReadonlyMap<number, number>;
  readonly positions: ReadonlyMap<number, readonly number[]>;
}

/** Groups families into parts: families that share an axis belong together. */
function partition(families: readonly Family[]): { axes: number[]; families: Family[] }[] {
  const parts: { axes: number[]; families: Family[] }[] = [];
  for (const family of families) {
    let axes = supportOf(family);
    let members = [family];
    for (let i = parts.length - 1; i >= 0; i--) {
      if (!parts[i]!.axes.some((axis) => axes.includes(axis))) continue;
      axes = [...new Set([...axes, ...parts[i]!.axes])];
      members = [...parts[i]!.families, ...members];
      parts.splice(i, 1);
    }
    parts.push({ axes: axes.sort((a, b) => a - b), families: members });
  }
  return parts;
}

/** Which positions of each index tensor stay, worked out once: most values share theirs. */
export class Survivors {
  readonly gone: Uint8Array;
  readonly #known = new Map<Int32Array, readonly number[]>();

  /** `gone`: 1 for each id that goes. */
  constructor(gone: Uint8Array) {
    this.gone = gone;
  }

  of(ids: Int32Array): readonly number[] {
    const known = this.#known.get(ids);
    if (known !== undefined) return known;
    const positions: number[] = [];
    for (let i = 0; i < ids.length; i++) if (this.gone[ids[i]!] === 0) positions.push(i);
    this.#known.set(ids, positions);
    return positions;
  }

  touches(family: Family): boolean {
    return this.of(family.ids).length < family.ids.length;
  }
}

/**
 * What is left of a value whose families lose ids. Refuses a cut after which the value is no longer rectangular (every row of a grid that
 * is left must be left with the same number of columns) or has nothing left on an axis.
 */
export function keptOf(families: readonly Family[], survivors: Survivors, where: string): Kept {
  const sizes = new Map<number, number>();
  const positions = new Map<number, readonly number[]>();
  const parts = partition(families).map((part): KeptPart => {
    if (part.axes.length === 1 && part.families.length === 1) {
      const flat = survivors.of(part.families[0]!.ids);
      if (flat.length === 0) refuse(part.axes, null, where);
      sizes.set(part.axes[0]!, flat.length);
      positions.set(part.axes[0]!, flat);
      return { axes: part.axes, flat };
    }
    const dims = part.axes.map((axis) => Math.max(...part.families.map((family) => family.shape[axis]!)));
    const mask = keepMask(part.axes, dims, part.families, survivors.gone);
    const shape = regularShape(mask, dims, 0, 0);
    if (shape === null || shape === "ragged") return refuse(part.axes, shape === null ? null : dims, where);
    part.axes.forEach((axis, depth) => {
      sizes.set(axis, shape[depth]!);
      positions.set(axis, positionsAt(mask, dims, depth));
    });
    const flat: number[] = [];
    for (let i = 0; i < mask.length; i++) if (mask[i] === 1) flat.push(i);
    return { axes: part.axes, flat };
  });
  return { parts, sizes, positions };
}

function refuse(axes: readonly number[], ragged: readonly number[] | null, where: string): never {
  throw new EspalierError(
    "input",
    ragged === null
      ? `The cut removes everything of axis ${axes.join(", ")}`
      : `The cut leaves the grid on axes ${axes.join(", ")} (${ragged.join(" x ")}) without equal rows`,
    { where, hint: "Choose units with selectUnits, which keeps at least one unit and the rows of a grid equal." },
  );
}

/** 1 where a position survives: an element goes when any family's unit goes. */
function keepMask(
  axes: readonly number[],
  dims: readonly number[],
  families: readonly Family[],
  gone: Uint8Array,
): Uint8Array {
  const total = dims.reduce((a, b) => a * b, 1);
  const mask = new Uint8Array(total).fill(1);
  for (const family of families) {
    if (family.ids.length === total) {
      for (let i = 0; i < total; i++) if (gone[family.ids[i]!] === 1) mask[i] = 0;
      continue;
    }
    const strides = new Array<number>(axes.length).fill(0);
    let step = 1;
    for (let d = axes.length - 1; d >= 0; d--) {
      if (family.shape[axes[d]!] === 1) continue;
      strides[d] = step;
      step *= dims[d]!;
    }
    for (let i = 0; i < total; i++) {
      let rest = i;
      let at = 0;
      for (let d = axes.length - 1; d >= 0; d--) {
        at += (rest % dims[d]!) * strides[d]!;
        rest = Math.floor(rest / dims[d]!);
      }
      if (gone[family.ids[at]!] === 1) mask[i] = 0;
    }
  }
  return mask;
}

/** Sizes that are left at each depth when every row that is left has the same shape; null for nothing, "ragged" otherwise. */
function regularShape(
  mask: Uint8Array,
  dims: readonly number[],
  depth: number,
  offset: number,
): number[] | null | "ragged" {
  if (depth === dims.length - 1) {
    let count = 0;
    for (let i = 0; i < dims[depth]!; i++) count += mask[offset + i]!;
    return count === 0 ? null : [count];
  }
  const step = dims.slice(depth + 1).reduce((a, b) => a * b, 1);
  let rows = 0;
  let inner: number[] | null = null;
  for (let i = 0; i < dims[depth]!; i++) {
    const shape = regularShape(mask, dims, depth + 1, offset + i * step);
    if (shape === "ragged") return shape;
    if (shape === null) continue;
    if (inner !== null && shape.some((size, d) => size !== inner![d])) return "ragged";
    inner = shape;
    rows++;
  }
  return inner === null ? null : [rows, ...inner];
}

/** Kept positions on the axis at `depth`, in the first row that is left. */
function positionsAt(mask: Uint8Array, dims: readonly number[], depth: number): number[] {
  let offset = 0;
  for (let d = 0; ; d++) {
    const step = dims.slice(d + 1).reduce((a, b) => a * b, 1);
    const alive: number[] = [];
    for (let i = 0; i < dims[d]!; i++)
      if (mask.subarray(offset + i * step, offset + (i + 1) * step).includes(1)) alive.push(i);
    if (d === depth) return alive;
    offset += alive[0]! * step;
  }
}
