import { stridesOf } from "../tensor/index.ts";

/**
 * Unit ids laid over a value: an index tensor of the value's rank whose size on each axis is the axis' size (tracked) or 1 (the id
 * does not depend on it). `[1, C, 1, 1]` is what a convolution gives. Ids are row-major.
 */
export interface Family {
  readonly shape: readonly number[];
  readonly ids: Int32Array;
}

/** The axes that a family depends on, ascending. */
export function supportOf(family: Family): number[] {
  const axes: number[] = [];
  for (let axis = 0; axis < family.shape.length; axis++) if (family.shape[axis]! > 1) axes.push(axis);
  return axes;
}

/** Reads ids at `offset + index . strides` for each index of `shape`, row-major: expansion, permutation and selection in one loop. */
export function stridedIds(ids: Int32Array, shape: readonly number[], strides: readonly number[]): Int32Array {
  const total = shape.reduce((a, b) => a * b, 1);
  const out = new Int32Array(total);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let at = 0; at < total; at++) {
    out[at] = ids[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** Strides of a family in which broadcast axes stand still. */
function broadcastStrides(shape: readonly number[]): number[] {
  return stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
}

/** The family spelled out over `shape`, which has the family's size or, where that is 1, any. */
export function expandFamily(family: Family, shape: readonly number[]): Family {
  if (shape.every((size, axis) => size === family.shape[axis])) return family;
  return { shape, ids: stridedIds(family.ids, shape, broadcastStrides(family.shape)) };
}

/** The family in a space of `rank` axes: axis i becomes axes[i]. Every tracked axis must have a place there; the order may change. */
export function remapFamily(family: Family, axes: readonly number[], rank: number): Family {
  const shape = new Array<number>(rank).fill(1);
  const strides = new Array<number>(rank).fill(0);
  const own = stridesOf(family.shape);
  let last = -1;
  let ordered = true;
  for (const axis of supportOf(family)) {
    const to = axes[axis]!;
    shape[to] = family.shape[axis]!;
    strides[to] = own[axis]!;
    if (to < last) ordered = false;
    last = to;
  }
  return { shape, ids: ordered ? family.ids : stridedIds(family.ids, shape, strides) };
}

/** The family at the given positions of one axis; an axis that is left with one position is no longer tracked. */
export function selectFamily(family: Family, axis: number, positions: readonly number[]): Family {
  const shape = family.shape.map((size, i) => (i === axis ? positions.length : size));
  const inner = family.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = family.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const size = family.shape[axis]!;
  const ids = new Int32Array(outer * positions.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const position of positions) {
      const from = (o * size + position) * inner;
      ids.set(family.ids.subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { shape, ids };
}

/** Families of equal sizes but for one axis, one after the other along it. */
export function concatFamilies(families: readonly Family[], axis: number): Family {
  const first = families[0]!.shape;
  const shape = first.map((size, i) => (i === axis ? families.reduce((sum, f) => sum + f.shape[i]!, 0) : size));
  const outer = first.slice(0, axis).reduce((a, b) => a * b, 1);
  const ids = new Int32Array(shape.reduce((a, b) => a * b, 1));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const family of families) {
      const block = family.ids.length / outer;
      ids.set(family.ids.subarray(o * block, (o + 1) * block), at);
      at += block;
    }
  }
  return { shape, ids };
}

/** Drops the axes along which the class never changes; null when none is left. */
export function withoutInvariantAxes(family: Family, find: (id: number) => number): Family | null {
  let current = family;
  const support = supportOf(family);
  if (support.length > 1) {
    for (const axis of support) {
      const size = current.shape[axis]!;
      const inner = current.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      if (isInvariant(current.ids, size, inner, find)) current = selectFamily(current, axis, [0]);
    }
  }
  return supportOf(current).length === 0 ? null : current;
}

function isInvariant(ids: Int32Array, size: number, inner: number, find: (id: number) => number): boolean {
  const block = size * inner;
  for (let start = 0; start < ids.length; start += block) {
    for (let i = 0; i < inner; i++) {
      const first = find(ids[start + i]!);
      for (let p = 1; p < size; p++) if (find(ids[start + p * inner + i]!) !== first) return false;
    }
  }
  return true;
}
