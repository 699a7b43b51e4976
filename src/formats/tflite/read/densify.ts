import { EspalierError, invariant } from "../../../diagnostics/index.ts";
import type { TfliteTensor } from "../codec/index.ts";

/** What decodeTflite gives as a tensor's sparsity (schema.fbs, SparsityParameters). */
type Sparsity = NonNullable<TfliteTensor["sparsity"]>;
type DimensionMetadata = NonNullable<Sparsity["dimMetadata"]>[number];

/** Axes and blocks of one sparse tensor: kernels have four and at most as many blocks. */
const MAX_LEVELS = 16;

/** One level of the stored tree: a dense axis, or the children of each node as positions. */
interface Level {
  readonly size: number;
  readonly segments?: ArrayLike<number>;
  readonly indices?: ArrayLike<number>;
}

/** Where stored values lie in the dense tensor. */
export interface SparsePlan {
  /** Number of stored values. */
  readonly stored: number;
  /** Calls back with the position in the dense tensor of every stored value, in the order of storage. */
  each(visit: (position: number, at: number) => void): void;
}

/**
 * Checks sparsity parameters against the shape and tells where the stored values belong. The storage is a tree: level i
 * is axis traversal_order[i], axes from the rank on are those inside a block of axis block_map[k]; a dense level has
 * dim_size children a node, a compressed one those of its segment (schema.fbs, SparsityParameters).
 * Throws EspalierError "input" when orders, sizes, segments or indices do not fit.
 */
export function sparsePlan(shape: readonly number[], sparsity: Sparsity, where: string): SparsePlan {
  const fail = (what: string): never => {
    throw new EspalierError("input", `Sparsity of shape [${shape.join(", ")}]: ${what}`, { where });
  };
  const order = sparsity.traversalOrder ?? [];
  const blockMap = sparsity.blockMap ?? [];
  const metadata = sparsity.dimMetadata ?? [];
  const levels = order.length;
  if (levels > MAX_LEVELS) fail(`${levels} traversed axes, at most ${MAX_LEVELS} are read`);
  if (levels !== shape.length + blockMap.length || metadata.length !== levels)
    fail(`${levels} traversed axes, ${metadata.length} described, ${blockMap.length} blocks`);
  if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i))
    fail(`traversal order [${order.join(", ")}] is no order of ${levels} axes`);
  const bad = blockMap.find((axis) => !(axis >= 0 && axis < shape.length));
  if (bad !== undefined || new Set(blockMap).size !== blockMap.length)
    fail(`block map [${blockMap.join(", ")}] does not name different axes`);

  const sizes = new Array<number>(levels).fill(0);
  const blockOf = new Map(blockMap.map((axis, k) => [axis, metadata[order.indexOf(shape.length + k)]!.denseSize]));
  for (const [axis, size] of shape.entries()) {
    const block = blockOf.get(axis) ?? 1;
    if (block < 1 || size % block !== 0) fail(`axis ${axis} of size ${size} in blocks of ${block}`);
    sizes[axis] = size / block;
  }
  for (const [k, axis] of blockMap.entries()) sizes[shape.length + k] = blockOf.get(axis)!;

  let count = 1;
  const tree = order.map((axis, i): Level => {
    const level = levelOf(metadata[i]!, sizes[axis]!, count, fail);
    count = level.indices?.length ?? count * level.size;
    return level;
  });
  return { stored: count, each: walk(shape, order, blockMap, blockOf, tree) };
}

function levelOf(data: DimensionMetadata, size: number, parents: number, fail: (what: string) => never): Level {
  if (data.format === "DENSE") {
    if (data.denseSize !== size) fail(`a dense axis of ${data.denseSize}, expected ${size}`);
    return { size };
  }
  const segments: ArrayLike<number> = data.arraySegments?.values ?? [];
  const indices: ArrayLike<number> = data.arrayIndices?.values ?? [];
  if (segments.length !== parents + 1 || segments[0] !== 0 || segments[parents] !== indices.length)
    fail(`${segments.length} segment bounds for ${parents} nodes and ${indices.length} indices`);
  for (let i = 0; i < parents; i++)
    if (segments[i + 1]! < segments[i]!) fail(`segment bounds ${segments[i]} and ${segments[i + 1]} go backwards`);
  for (let i = 0; i < indices.length; i++)
    if (!(indices[i]! >= 0 && indices[i]! < size)) fail(`index ${indices[i]} on an axis of ${size}`);
  return { size, segments, indices };
}

function walk(
  shape: readonly number[],
  order: readonly number[],
  blockMap: readonly number[],
  blockOf: ReadonlyMap<number, number>,
  tree: readonly Level[],
): SparsePlan["each"] {
  // Elements that one step along a traversed axis moves by.
  const strides = new Array<number>(order.length).fill(0);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step * (blockOf.get(axis) ?? 1);
    const k = blockMap.indexOf(axis);
    if (k >= 0) strides[shape.length + k] = step;
    step *= shape[axis]!;
  }
  return (visit) => {
    let at = 0;
    const down = (level: number, node: number, position: number): void => {
      const here = tree[level];
      if (here === undefined) {
        visit(position, at++);
        return;
      }
      const stride = strides[order[level]!]!;
      const from = here.segments === undefined ? node * here.size : here.segments[node]!;
      const to = here.segments === undefined ? from + here.size : here.segments[node + 1]!;
      for (let child = from; child < to; child++)
        down(level + 1, child, position + stride * (here.indices?.[child] ?? child - from));
    };
    down(0, 0, 0);
    invariant(at <= step, "more stored values than elements");
  };
}
