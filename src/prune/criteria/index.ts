import type { Criterion } from "./criterion.ts";
import { l1 } from "./l1.ts";
import { l2 } from "./l2.ts";
import { random } from "./random.ts";
import { taylor } from "./taylor.ts";

export type { Criterion } from "./criterion.ts";

/** Every criterion by name. */
export const CRITERIA = { l1, l2, taylor, random } as const satisfies Record<string, Criterion>;

/** The name of a criterion. */
export type CriterionName = keyof typeof CRITERIA;
