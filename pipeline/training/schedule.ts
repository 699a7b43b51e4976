import type { Schedule } from "../../src/train/index.ts";

/** Schedules as `--schedule` names them. */
export const SCHEDULES = ["cosine", "one-cycle", "linear", "exponential", "step", "constant"] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** Fractions of a run at which the step schedule divides the rate by ten: as for ResNets on CIFAR-10 (He et al. 2016). */
const STEPS = [0.5, 0.75];
const WARM_UP = 0.05;

/** The schedule of a name with its peak; all but one-cycle and constant rise over the first twentieth of the run. */
export function scheduleOf(name: ScheduleName, rate: number): Schedule {
  switch (name) {
    case "one-cycle":
    case "constant":
      return { kind: name, rate };
    case "step":
      return { kind: name, rate, warmUp: WARM_UP, at: STEPS, factor: 0.1 };
    default:
      return { kind: name, rate, warmUp: WARM_UP };
  }
}
