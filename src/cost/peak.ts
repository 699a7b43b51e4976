/** Something that occupies memory in a closed interval of steps. */
export interface LiveInterval {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface PeakMemory {
  /** Most bytes live at one step. */
  readonly bytes: number;
  /** The first step with that many. */
  readonly step: number;
}

/**
 * Peak of live bytes over time: a lower bound of any allocator's plan, and what a runtime with perfect packing needs. Intervals with a negative step (values that nobody uses)
 * do not count. No alignment, no fragmentation: for TFLM use planArena.
 */
export function planPeakActivations(intervals: readonly LiveInterval[]): PeakMemory {
  const changes = new Map<number, number>();
  const change = (step: number, bytes: number) => changes.set(step, (changes.get(step) ?? 0) + bytes);
  for (const { bytes, first, last } of intervals) {
    if (first < 0 || last < first) continue;
    change(first, bytes);
    change(last + 1, -bytes);
  }
  let live = 0;
  let peak: PeakMemory = { bytes: 0, step: 0 };
  for (const [step, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    live += bytes;
    if (live > peak.bytes) peak = { bytes: live, step };
  }
  return peak;
}
