/** Times of one runner over the rounds of a measurement, in milliseconds. */
export interface Timing {
  readonly medianMs: number;
  /** 95 % confidence interval of the median by order statistics (binomial, normal approximation of its ranks). */
  readonly interval: readonly [number, number];
  readonly rounds: number;
}

/** How many rounds are timed. */
export interface TimingOptions {
  /** Rounds in which each runner runs once; default 60. */
  readonly rounds?: number;
  /** Unmeasured rounds first; default 5. */
  readonly warmup?: number;
  /** Runs per measurement, so that a short model outlasts the clock's grain; default 1. */
  readonly repeats?: number;
}

/** Times several runners in turn (a, b, a, b...), so that a slow moment of the machine falls on all of them. */
export async function timeInterleaved(
  runners: readonly (() => Promise<unknown>)[],
  options: TimingOptions = {},
): Promise<Timing[]> {
  const { rounds = 60, warmup = 5, repeats = 1 } = options;
  const samples = runners.map(() => [] as number[]);
  for (let round = -warmup; round < rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      // The order alternates, because a runner inherits the cache that the one before left.
      const at = round % 2 === 0 ? i : runners.length - 1 - i;
      const run = runners[at]!;
      const start = performance.now();
      for (let k = 0; k < repeats; k++) await run();
      if (round >= 0) samples[at]!.push((performance.now() - start) / repeats);
    }
  }
  return samples.map(summarise);
}

/** Median and its interval of a list of times. */
export function summarise(samples: readonly number[]): Timing {
  const sorted = [...samples].sort((a, b) => a - b);
  const n = sorted.length;
  const at = (rank: number) => sorted[Math.min(n - 1, Math.max(0, Math.round(rank)))]!;
  const half = (1.96 * Math.sqrt(n)) / 2; // ranks of the median: n/2 +- z sqrt(n)/2
  const median = n % 2 === 1 ? sorted[(n - 1) / 2]! : (sorted[n / 2 - 1]! + sorted[n / 2]!) / 2;
  return {
    medianMs: median,
    interval: [Math.min(median, at(n / 2 - half - 0.5)), Math.max(median, at(n / 2 + half - 0.5))],
    rounds: n,
  };
}
