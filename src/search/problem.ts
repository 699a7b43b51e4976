/** What a device can be asked to hold. Units: ms, bytes, bytes, counts. */
export type Metric = "latencyMs" | "flashBytes" | "ramBytes" | "macs" | "parameters";

/** What a candidate costs, metric by metric, in the metric's unit. */
export type Costs = Readonly<Record<Metric, number>>;

/** `costs[metric]` must not exceed `limit`; for a predicted metric the caller gives the pessimistic end as the cost. */
export interface Constraint {
  readonly metric: Metric;
  readonly limit: number;
}

/** A coupled group as the search sees it: how many units it may keep. */
export interface Choice {
  readonly id: string;
  /** Allowed numbers of kept units, falling; the first is the whole group. */
  readonly counts: readonly number[];
  /** Predicted rise of the loss when `kept` units are kept. */
  price(kept: number): number;
  /** Choices that make this one void: where one of them keeps 0 (a block that is removed whole), there is nothing left to cut and no price. */
  readonly inside?: readonly string[];
}

/** Units kept by group id. */
export type Assignment = Readonly<Record<string, number>>;

/** What `solveBudget` solves: choices with prices, limits, and the device's cost of any assignment. */
export interface SearchProblem {
  readonly choices: readonly Choice[];
  readonly constraints: readonly Constraint[];
  /** The device's cost of the model at an assignment; recomputed for every candidate, because peak RAM neither adds up nor falls steadily. */
  cost(assignment: Assignment): Costs;
  /** Most cost evaluations; time limits are counted in evaluations so that a result does not depend on the machine. */
  readonly maxEvaluations?: number;
}

/** A point that the search looked at and went through. */
export interface SearchPoint {
  readonly assignment: Assignment;
  readonly costs: Costs;
  /** Sum of the prices: predicted rise of the loss. */
  readonly price: number;
  readonly feasible: boolean;
}

/** Why no assignment meets the constraints. */
export interface Witness {
  readonly metric: Metric;
  readonly limit: number;
  /** The least value of that metric among the points that were tried. */
  readonly best: number;
}

/** What was found, and what was looked at on the way. */
export interface SearchResult {
  /** The cheapest feasible point found, or null with witnesses. */
  readonly chosen: SearchPoint | null;
  readonly witnesses: readonly Witness[];
  /** Points no other point beats in both price and the first constraint's metric, by rising price. */
  readonly pareto: readonly SearchPoint[];
  readonly evaluations: number;
}

/** How far the costs are above their limits, as a sum of relative excesses; 0 is feasible. */
export function excess(costs: Costs, constraints: readonly Constraint[]): number {
  let sum = 0;
  for (const { metric, limit } of constraints) sum += Math.max(0, costs[metric] - limit) / limit;
  return sum;
}

/** Whether what a choice is about is removed by another. */
export function isVoid(choice: Choice, assignment: Assignment): boolean {
  return choice.inside?.some((id) => assignment[id] === 0) ?? false;
}

/** Predicted rise of the loss at an assignment: the sum of the prices of what is there. */
export function priceAt(choices: readonly Choice[], assignment: Assignment): number {
  let price = 0;
  for (const choice of choices) if (!isVoid(choice, assignment)) price += choice.price(assignment[choice.id]!);
  return price;
}
