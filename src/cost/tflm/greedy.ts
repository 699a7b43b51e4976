import { roundUp } from "../work.ts";
import { ARENA_ALIGNMENT } from "./abi.ts";
import type { PlanRequest } from "./lifetimes.ts";

/** A placed buffer: `bytes` is the size asked for, `reserved` the size rounded up to 16. */
export interface PlacedBuffer {
  readonly buffer: string;
  readonly offset: number;
  readonly bytes: number;
  readonly reserved: number;
  readonly first: number;
  readonly last: number;
}

/**
 * TFLM's GreedyMemoryPlanner, step for step: buffers with an offline offset first, as they come; then by size, largest first, of equal ones the later
 * first; each goes to the first gap that is wide enough among the placed buffers whose lifetime it overlaps. Returned in the order of the requests.
 */
export function planGreedily(requests: readonly PlanRequest[]): PlacedBuffer[] {
  const sized = requests.map((request, index) => ({
    ...request,
    index,
    reserved: roundUp(request.bytes, ARENA_ALIGNMENT),
  }));
  const offline = sized.filter((entry) => entry.offlineOffset !== -1);
  const online = sized
    .filter((entry) => entry.offlineOffset === -1)
    .sort((a, b) => b.reserved - a.reserved || b.index - a.index);
  // Placed buffers in the order of their offset; a new one goes after those of equal offset.
  const placed: (typeof sized)[number][] = [];
  const offsets = new Map<number, number>();
  for (const entry of [...offline, ...online]) {
    const offset = entry.offlineOffset === -1 ? firstFit(entry, placed, offsets) : entry.offlineOffset;
    offsets.set(entry.index, offset);
    const after = placed.findIndex((other) => (offsets.get(other.index) ?? 0) > offset);
    placed.splice(after === -1 ? placed.length : after, 0, entry);
  }
  return sized.map(({ buffer, bytes, reserved, first, last, index }) => ({
    buffer,
    offset: offsets.get(index) ?? 0,
    bytes,
    reserved,
    first,
    last,
  }));
}

interface Entry {
  readonly index: number;
  readonly reserved: number;
  readonly first: number;
  readonly last: number;
}

function firstFit(entry: Entry, placed: readonly Entry[], offsets: ReadonlyMap<number, number>): number {
  let candidate = 0;
  for (const other of placed) {
    // Closed intervals: buffers that touch at one step must not share memory.
    if (other.first > entry.last || entry.first > other.last) continue;
    const offset = offsets.get(other.index) ?? 0;
    if (offset - candidate >= entry.reserved) break;
    candidate = Math.max(candidate, offset + other.reserved);
  }
  return candidate;
}

/** Bytes that a plan needs: the largest end. */
export function planBytes(plan: readonly PlacedBuffer[]): number {
  return plan.reduce((end, { offset, reserved }) => Math.max(end, offset + reserved), 0);
}
