/** How the learning rate goes over a run; `rate` is its peak. */
export type Schedule =
  | { readonly kind: "constant"; readonly rate: number; readonly warmUp?: number }
  /** Half a cosine from `rate` to `rate * floor` (Loshchilov & Hutter 2017). */
  | { readonly kind: "cosine"; readonly rate: number; readonly warmUp?: number; readonly floor?: number }
  /** Multiplied by `factor` at each of the given fractions of the run. */
  | {
      readonly kind: "step";
      readonly rate: number;
      readonly warmUp?: number;
      readonly at: readonly number[];
      readonly factor: number;
    };

/** The learning rate of step `step` (from 0) of `steps`; `warmUp` is the fraction of the run over which it rises linearly, default 0. */
export function rateAt(schedule: Schedule, step: number, steps: number): number {
  const warm = Math.round((schedule.warmUp ?? 0) * steps);
  if (step < warm) return (schedule.rate * (step + 1)) / warm;
  if (schedule.kind === "constant") return schedule.rate;
  if (schedule.kind === "step") {
    const passed = schedule.at.filter((fraction) => step >= fraction * steps).length;
    return schedule.rate * schedule.factor ** passed;
  }
  const floor = schedule.floor ?? 0;
  const progress = (step - warm) / Math.max(1, steps - warm);
  return schedule.rate * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
}
