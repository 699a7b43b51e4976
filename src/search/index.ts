export { paretoFront } from "./pareto.ts";
export { type PriceCurve, type PricePoint, priceCurve, priceOf } from "./price.ts";
export type {
  Assignment,
  Choice,
  Constraint,
  Costs,
  Metric,
  SearchPoint,
  SearchProblem,
  SearchResult,
  Witness,
} from "./problem.ts";
export { isVoid, priceAt } from "./problem.ts";
export { solveBudget } from "./solve.ts";
