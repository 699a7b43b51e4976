import type { Metric, SearchPoint } from "./problem.ts";

/** The points that no other beats in price and in one metric at once, by rising price. */
export function paretoFront(points: readonly SearchPoint[], metric: Metric): SearchPoint[] {
  const sorted = [...points].sort((a, b) => a.price - b.price || a.costs[metric] - b.costs[metric]);
  const front: SearchPoint[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const point of sorted) {
    if (point.costs[metric] < least) {
      front.push(point);
      least = point.costs[metric];
    }
  }
  return front;
}
