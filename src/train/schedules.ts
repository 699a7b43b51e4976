/** What every schedule has: its peak, and the fraction of the run over which the rate rises linearly to it (default 0). */
interface Peak {
  readonly rate: number;
  readonly warmUp?: number;
}

/** How the learning rate goes over a run; `rate` is its peak. */
export type Schedule =
  | (Peak & { readonly kind: "constant" })
  /** Half a cosine from `rate` to `rate * floor` (Loshchilov & Hutter 2017); floor 0 by default. */
  | (Peak & { readonly kind: "cosine"; readonly floor?: number })
  /** A straight line from `rate` to `rate * floor`; floor 0 by default. */
  | (Peak & { readonly kind: "linear"; readonly floor?: number })
  /** From `rate` to `rate * floor` by the same factor each step; floor 0.01 by default. */
  | (Peak & { readonly kind: "exponential"; readonly floor?: number })
  /** Multiplied by `factor` at each of the given fractions of the run. */
  | (Peak & { readonly kind: "step"; readonly at: readonly number[]; readonly factor: number })
  /**
   * One cycle (Smith & Topin 2018): half a cosine up from `rate / start` over the first `rise` of the run, half a cosine down to
   * `rate / start / end` over the rest. Defaults: rise 0.3, start 25, end 1e4. Momentum stays as it is.
   */
  | {
      readonly kind: "one-cycle";
      readonly rate: number;
      readonly warmUp?: never;
      readonly rise?: number;
      readonly start?: number;
      readonly end?: number;
    };

/** Half a cosine from `from` (progress 0) to `to` (progress 1). */
function cosine(from: number, to: number, progress: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;
}

function oneCycle(schedule: Schedule & { readonly kind: "one-cycle" }, step: number, steps: number): number {
  const { rate, rise = 0.3, start = 25, end = 1e4 } = schedule;
  const first = rate / start;
  const peak = Math.max(0, rise * steps - 1);
  if (step < peak) return cosine(first, rate, step / peak);
  return cosine(rate, first / end, Math.min(1, (step - peak) / Math.max(1, steps - 1 - peak)));
}

/** The learning rate of step `step` (from 0) of `steps`. */
export function rateAt(schedule: Schedule, step: number, steps: number): number {
  if (schedule.kind === "one-cycle") return oneCycle(schedule, step, steps);
  const { rate } = schedule;
  const warm = Math.round((schedule.warmUp ?? 0) * steps);
  if (step < warm) return (rate * (step + 1)) / warm;
  const progress = (step - warm) / Math.max(1, steps - warm);
  switch (schedule.kind) {
    case "constant":
      return rate;
    case "step":
      return rate * schedule.factor ** schedule.at.filter((fraction) => step >= fraction * steps).length;
    case "linear":
      return rate * (1 - (1 - (schedule.floor ?? 0)) * progress);
    case "exponential":
      return rate * (schedule.floor ?? 0.01) ** progress;
    case "cosine":
      return rate * cosine(1, schedule.floor ?? 0, progress);
    default:
      return schedule satisfies never;
  }
}
