import type { ValueId } from "../../../ir/index.ts";
import { reversed, sliced } from "./slice.ts";
import type { OperatorReaders, Step } from "./step.ts";

/** [before, after] of every axis from the matrix in input 1. */
function paddings(s: Step): (readonly [number, number])[] {
  const flat = s.ints(1);
  const rank = s.rank(0);
  if (flat.length !== 2 * rank) s.fail(`${s.operator.opcode} of a tensor of rank ${rank} has ${flat.length} paddings`);
  const bad = flat.find((pad) => pad < 0);
  if (bad !== undefined) s.fail(`${s.operator.opcode} has a padding of ${bad}`);
  return Array.from({ length: rank }, (_, axis) => [flat[2 * axis]!, flat[2 * axis + 1]!] as const);
}

function onnxPads(s: Step): ValueId {
  const pads = paddings(s);
  return s.longs([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
}

function pad(s: Step): void {
  const value = s.inputCount > 2 && s.has(2) ? s.reshape(s.real(2), []) : null;
  s.put(0, s.node("Pad", [s.real(0), onnxPads(s), value]));
}

/** REFLECT leaves the border out, as ONNX's reflect does; SYMMETRIC repeats it: mirrored pieces are put around the tensor axis by axis. */
function mirrorPad(s: Step): void {
  if (s.options("MirrorPadOptions").mode === "REFLECT") {
    s.put(0, s.node("Pad", [s.real(0), onnxPads(s)], { mode: "reflect" }));
    return;
  }
  let y = s.real(0);
  for (const [axis, [before, after]] of paddings(s).entries()) {
    if (before === 0 && after === 0) continue;
    const size = s.dim(0, axis);
    if (before > size || after > size) s.fail(`MIRROR_PAD of ${before} and ${after} on axis ${axis} of size ${size}`);
    const pieces: ValueId[] = [];
    const piece = (start: number, end: number) => reversed(s, sliced(s, y, [{ axis, start, end, step: 1 }]), [axis]);
    if (before > 0) pieces.push(piece(0, before));
    pieces.push(y);
    if (after > 0) pieces.push(piece(size - after, size));
    y = s.node("Concat", pieces, { axis });
  }
  s.put(0, y);
}

interface Blocks {
  readonly block: readonly number[];
  readonly edges: (readonly [number, number])[];
}

function blocks(s: Step): Blocks {
  const block = s.ints(1);
  const flat = s.ints(2);
  if (
    block.length + 1 > s.rank(0) ||
    flat.length !== 2 * block.length ||
    block.some((size) => size < 1) ||
    flat.some((edge) => edge < 0)
  )
    s.fail(
      `${s.operator.opcode} of a tensor of rank ${s.rank(0)} by blocks [${block.join(", ")}] and edges [${flat.join(", ")}]`,
    );
  return { block, edges: block.map((_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const) };
}

/** Blocks of the spatial axes move to the batch, the block's position before it: [b, h, w, c] to [bh * bw * b, h / bh, w / bw, c]. */
function spaceToBatch(s: Step): void {
  const { block, edges } = blocks(s);
  const rank = s.rank(0);
  const rest = rank - 1 - block.length;
  const zeros = new Array<number>(rest).fill(0);
  const pads = [0, ...edges.map(([before]) => before), ...zeros, 0, ...edges.map(([, after]) => after), ...zeros];
  const x = pads.some((edge) => edge > 0) ? s.node("Pad", [s.real(0), s.longs(pads)]) : s.real(0);
  const batch = s.dim(0, 0);
  const sizes = block.map((size, i) => {
    const padded = s.dim(0, i + 1) + edges[i]![0] + edges[i]![1];
    if (padded % size !== 0) s.fail(`SPACE_TO_BATCH_ND cuts ${padded} into blocks of ${size}`);
    return padded / size;
  });
  const tail = s.shape(0).slice(1 + block.length);
  const split = s.reshape(x, [batch, ...sizes.flatMap((size, i) => [size, block[i]!]), ...tail]);
  const inner = block.map((_, i) => 2 + 2 * i);
  const outer = block.map((_, i) => 1 + 2 * i);
  const last = tail.map((_, i) => 1 + 2 * block.length + i);
  const y = s.transpose(split, [...inner, 0, ...outer, ...last]);
  s.put(0, s.reshape(y, [block.reduce((a, b) => a * b, batch), ...sizes, ...tail]));
}

/** The inverse: positions of a block come back from the batch, then the edges are cut off. */
function batchToSpace(s: Step): void {
  const { block, edges } = blocks(s);
  const total = block.reduce((a, b) => a * b, 1);
  const batch = s.dim(0, 0) / total;
  if (!Number.isInteger(batch)) s.fail(`BATCH_TO_SPACE_ND has a batch of ${s.dim(0, 0)} for blocks of ${total}`);
  const sizes = block.map((_, i) => s.dim(0, i + 1));
  const tail = s.shape(0).slice(1 + block.length);
  const split = s.reshape(s.real(0), [...block, batch, ...sizes, ...tail]);
  const n = block.length;
  const pairs = block.flatMap((_, i) => [n + 1 + i, i]);
  const y = s.transpose(split, [n, ...pairs, ...tail.map((_, i) => 2 * n + 1 + i)]);
  const joined = s.reshape(y, [batch, ...sizes.map((size, i) => size * block[i]!), ...tail]);
  const cuts = edges.flatMap(([before, after], i) => {
    const size = sizes[i]! * block[i]!;
    if (before + after > size) s.fail(`BATCH_TO_SPACE_ND cuts ${before} and ${after} off ${size}`);
    return before === 0 && after === 0 ? [] : [{ axis: i + 1, start: before, end: size - after, step: 1 }];
  });
  s.put(0, sliced(s, joined, cuts));
}

export const PADS: OperatorReaders = {
  PAD: { read: pad, gives: ["Pad"] },
  PADV2: { read: pad, gives: ["Pad", "Reshape"] },
  MIRROR_PAD: { read: mirrorPad, gives: ["Pad", "Slice", "Concat"] },
  SPACE_TO_BATCH_ND: { read: spaceToBatch, gives: ["Pad", "Reshape", "Transpose"] },
  BATCH_TO_SPACE_ND: { read: batchToSpace, gives: ["Reshape", "Transpose", "Slice"] },
};
