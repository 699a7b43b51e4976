import { normalAxis } from "../ir/index.ts";
import { compressedPositions, NO_AXIS, type OpContext } from "../ops/index.ts";
import {
  allocate,
  sizeOf,
  stridesOf,
  type Tensor,
  type TypedArray,
  takeAlong,
  tensor,
  toInts,
} from "../tensor/index.ts";

/** A tensor whose element i is element `places[i]` of the source. */
function taken(source: Tensor, shape: readonly number[], places: ArrayLike<number> | null): Tensor[] | null {
  if (places === null) return null;
  const data = allocate(source.dtype, sizeOf(shape));
  const target = data as TypedArray;
  const from = source.data as TypedArray;
  for (let i = 0; i < target.length; i++) target[i] = from[places[i]!] as never;
  return [tensor(source.dtype, shape, data)];
}

/** A copy in which the elements `places[i]` are those of `updates`; later ones win. */
function written(source: Tensor, updates: Tensor, places: ArrayLike<number> | null): Tensor[] | null {
  if (places === null) return null;
  const data = allocate(source.dtype, source.data.length);
  const target = data as TypedArray;
  const from = updates.data as TypedArray;
  target.set(source.data as never);
  for (let i = 0; i < from.length; i++) target[places[i]!] = from[i] as never;
  return [tensor(source.dtype, source.shape, data)];
}

/** An index as a position from the start, -1 where there is none: such a node is left to the runtime, which refuses it. */
function position(index: number, size: number): number {
  const at = index < 0 ? index + size : index;
  return at >= 0 && at < size ? at : -1;
}

/** For each element of the indices, the place that it names in the data: its own, but for `axis`. Null where one lies outside. */
function elementPlaces(data: Tensor, indices: Tensor, axis: number): Float64Array | null {
  const from = stridesOf(indices.shape);
  const to = stridesOf(data.shape);
  const along = toInts(indices).map((index) => position(index, data.shape[axis]!));
  if (along.includes(-1)) return null;
  return Float64Array.from(along, (named, i) => {
    let at = named * to[axis]!;
    for (let k = 0; k < from.length; k++) if (k !== axis) at += (Math.floor(i / from[k]!) % indices.shape[k]!) * to[k]!;
    return at;
  });
}

/** The places of all elements of the slices that the last axis of the indices names, after `batch` shared axes. Null where one lies outside. */
function slicePlaces(data: Tensor, indices: Tensor, batch: number): Float64Array | null {
  const depth = indices.shape[indices.shape.length - 1]!;
  const width = sizeOf(data.shape.slice(batch + depth));
  const strides = stridesOf(data.shape);
  const values = toInts(indices).map((index, i) => position(index, data.shape[batch + (i % depth)]!));
  if (values.includes(-1)) return null;
  const points = values.length / depth;
  const perBatch = points / sizeOf(indices.shape.slice(0, batch));
  const batchSize = sizeOf(data.shape.slice(batch));
  return Float64Array.from({ length: points * width }, (_, i) => {
    const point = Math.floor(i / width);
    let at = Math.floor(point / perBatch) * batchSize + (i % width);
    for (let k = 0; k < depth; k++) at += values[point * depth + k]! * strides[batch + k]!;
    return at;
  });
}

type Shapes = readonly (readonly number[])[];
type Evaluator<A> = (c: OpContext<A>, data: readonly Tensor[], shapes: Shapes) => Tensor[] | null;

const gatherElements: Evaluator<{ readonly axis: number }> = (c, [x, indices], [shape]) =>
  taken(x!, shape!, elementPlaces(x!, indices!, normalAxis(c.attrs.axis, x!.shape.length)));

const gatherND: Evaluator<{ readonly batch_dims: number }> = (c, [x, indices], [shape]) =>
  taken(x!, shape!, slicePlaces(x!, indices!, c.attrs.batch_dims));

/** Only what replaces: a reduction is arithmetic, which sizes that are symbols do not allow. */
const scatterElements: Evaluator<{ readonly axis: number; readonly reduction: string }> = (c, [x, indices, updates]) =>
  c.attrs.reduction === "none"
    ? written(x!, updates!, elementPlaces(x!, indices!, normalAxis(c.attrs.axis, x!.shape.length)))
    : null;

const scatterND: Evaluator<{ readonly reduction: string }> = (c, [x, indices, updates]) =>
  c.attrs.reduction === "none" ? written(x!, updates!, slicePlaces(x!, indices!, 0)) : null;

const compress: Evaluator<{ readonly axis: number }> = (c, [x]) => {
  const positions = compressedPositions(c);
  if (c.attrs.axis !== NO_AXIS) return [takeAlong(x!, normalAxis(c.attrs.axis, x!.shape.length), positions)];
  return taken(x!, [positions.length], positions);
};

const reverseSequence: Evaluator<{ readonly batch_axis: number; readonly time_axis: number }> = (c, [x, lengths]) => {
  const { batch_axis: batch, time_axis: time } = c.attrs;
  const strides = stridesOf(x!.shape);
  const steps = toInts(lengths!);
  const places = Float64Array.from({ length: x!.data.length }, (_, i) => {
    const t = Math.floor(i / strides[time]!) % x!.shape[time]!;
    const length = steps[Math.floor(i / strides[batch]!) % x!.shape[batch]!]!;
    return t < length ? i + (length - 1 - 2 * t) * strides[time]! : i;
  });
  return steps.some((length) => length < 0 || length > x!.shape[time]!) ? null : taken(x!, x!.shape, places);
};

/** Both orders of the block's axes (ONNX DepthToSpace-13), read from the space that it fills. */
const depthToSpace: Evaluator<{ readonly blocksize: number; readonly mode: string }> = (c, [x], [shape]) => {
  const [, channels, height, width] = shape as [number, number, number, number];
  const { blocksize: b, mode } = c.attrs;
  const places = Float64Array.from({ length: x!.data.length }, (_, i) => {
    const w = i % width;
    const h = Math.floor(i / width) % height;
    const channel = Math.floor(i / (width * height)) % channels;
    const n = Math.floor(i / (width * height * channels));
    const block = (h % b) * b + (w % b);
    const deep = mode === "DCR" ? block * channels + channel : channel * b * b + block;
    const row = (n * channels * b * b + deep) * (height / b) + Math.floor(h / b);
    return row * (width / b) + Math.floor(w / b);
  });
  return taken(x!, shape!, places);
};

/** Operators that move elements to where constant indices say: what each makes of constant operands. */
export const indexing = {
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Compress: compress,
  ReverseSequence: reverseSequence,
  DepthToSpace: depthToSpace,
} as unknown as Readonly<Record<string, Evaluator<never>>>;
