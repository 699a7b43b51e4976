import { EspalierError } from "../diagnostics/index.ts";
import { paretoFront } from "./pareto.ts";
import {
  type Assignment,
  type Choice,
  excess,
  isVoid,
  priceAt,
  type SearchPoint,
  type SearchProblem,
  type SearchResult,
  type Witness,
} from "./problem.ts";

/** Evaluates assignments once each and keeps count. */
class Evaluator {
  readonly #problem: SearchProblem;
  readonly #known = new Map<string, SearchPoint>();
  readonly #most: number;
  readonly path: SearchPoint[] = [];

  constructor(problem: SearchProblem) {
    this.#problem = problem;
    this.#most = problem.maxEvaluations ?? 4000;
  }

  get count(): number {
    return this.#known.size;
  }

  get exhausted(): boolean {
    return this.#known.size >= this.#most;
  }

  at(assignment: Assignment): SearchPoint {
    const key = this.#problem.choices.map((choice) => assignment[choice.id]).join(",");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const costs = this.#problem.cost(assignment);
    const price = priceAt(this.#problem.choices, assignment);
    const point = { assignment, costs, price, feasible: excess(costs, this.#problem.constraints) === 0 };
    this.#known.set(key, point);
    return point;
  }

  get points(): readonly SearchPoint[] {
    return [...this.#known.values()];
  }
}

/** The next smaller count, `depth` steps down, or null at the bottom. */
function lower(choice: Choice, kept: number, depth: number): number | null {
  return choice.counts[choice.counts.indexOf(kept) + depth] ?? null;
}

function higher(choice: Choice, kept: number): number | null {
  const at = choice.counts.indexOf(kept);
  return at > 0 ? choice.counts[at - 1]! : null;
}

/** The step down with the best relief of excess for its price; looks deeper when no single step relieves (a plateau of the arena). */
function bestDescent(point: SearchPoint, problem: SearchProblem, evaluator: Evaluator): SearchPoint | null {
  const now = excess(point.costs, problem.constraints);
  for (const depth of [1, 2, 3]) {
    let best: SearchPoint | null = null;
    let bestScore = 0;
    for (const choice of problem.choices) {
      if (isVoid(choice, point.assignment)) continue;
      const next = lower(choice, point.assignment[choice.id]!, depth);
      if (next === null) continue;
      const candidate = evaluator.at({ ...point.assignment, [choice.id]: next });
      const relief = now - excess(candidate.costs, problem.constraints);
      // 1e-9: a free step is worth taking, ties go to the greater relief.
      const score = relief / (Math.max(0, candidate.price - point.price) + 1e-9);
      if (relief > 1e-12 && score > bestScore) {
        best = candidate;
        bestScore = score;
      }
    }
    if (best !== null) return best;
  }
  return cheapestStep(point, problem, evaluator);
}

/** On a plateau that no step relieves: the step with the least price, so that the search moves on. */
function cheapestStep(point: SearchPoint, problem: SearchProblem, evaluator: Evaluator): SearchPoint | null {
  let best: SearchPoint | null = null;
  for (const choice of problem.choices) {
    if (isVoid(choice, point.assignment)) continue;
    const next = lower(choice, point.assignment[choice.id]!, 1);
    if (next === null) continue;
    const candidate = evaluator.at({ ...point.assignment, [choice.id]: next });
    if (best === null || candidate.price < best.price) best = candidate;
  }
  return best;
}

/** Whether a swap of two choices lowers the price. Where choices lie in one another, all prices are summed; else those two are enough. */
function cheaper(
  choices: readonly Choice[],
  { assignment, price }: SearchPoint,
  swapped: Assignment,
  up: Choice,
  down: Choice,
) {
  if (choices.some(({ inside }) => inside !== undefined && inside.length > 0)) return priceAt(choices, swapped) < price;
  const pair = (at: Assignment) => up.price(at[up.id]!) + down.price(at[down.id]!);
  return pair(swapped) < pair(assignment);
}

/** Gives units back, and swaps one group's for another's, while that keeps the point feasible and lowers its price. */
function refine(start: SearchPoint, problem: SearchProblem, evaluator: Evaluator): SearchPoint {
  let point = start;
  for (let improved = true; improved && !evaluator.exhausted; ) {
    improved = false;
    const tries: Assignment[] = [];
    for (const up of problem.choices) {
      const more = higher(up, point.assignment[up.id]!);
      if (more === null) continue;
      tries.push({ ...point.assignment, [up.id]: more });
      for (const down of problem.choices) {
        const less = down === up ? null : lower(down, point.assignment[down.id]!, 1);
        if (less === null) continue;
        const swapped = { ...point.assignment, [up.id]: more, [down.id]: less };
        if (cheaper(problem.choices, point, swapped, up, down)) tries.push(swapped);
      }
    }
    let best = point;
    for (const assignment of tries) {
      if (evaluator.exhausted) break;
      const candidate = evaluator.at(assignment);
      if (candidate.feasible && candidate.price < best.price - 1e-12) best = candidate;
    }
    if (best !== point) {
      point = best;
      improved = true;
    }
  }
  return point;
}

/**
 * Finds the assignment with the least predicted loss that meets every constraint together: steepest descent in relief per price
 * (as NetAdapt, Yang et al. 2018, but priced by measured curves and against several constraints at once), then exchange.
 */
export function solveBudget(problem: SearchProblem): SearchResult {
  for (const { metric, limit } of problem.constraints) {
    if (!(limit > 0)) throw new EspalierError("usage", `The limit for ${metric} must be greater than 0, got ${limit}`);
  }
  const evaluator = new Evaluator(problem);
  const whole = Object.fromEntries(problem.choices.map((choice) => [choice.id, choice.counts[0]!]));
  let point: SearchPoint | null = evaluator.at(whole);
  while (point !== null && !point.feasible && !evaluator.exhausted) point = bestDescent(point, problem, evaluator);
  const chosen = point?.feasible === true ? refine(point, problem, evaluator) : null;
  return {
    chosen,
    witnesses: chosen === null ? witnessesOf(problem, evaluator.points) : [],
    pareto: paretoFront(evaluator.points, problem.constraints[0]?.metric ?? "macs"),
    evaluations: evaluator.count,
  };
}

function witnessesOf(problem: SearchProblem, points: readonly SearchPoint[]): Witness[] {
  return problem.constraints.flatMap(({ metric, limit }) => {
    const best = Math.min(...points.map((point) => point.costs[metric]));
    return best > limit ? [{ metric, limit, best }] : [];
  });
}
