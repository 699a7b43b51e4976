import type { PruneGroup } from "../../../src/prune/index.ts";
import type { Layer } from "./layers.ts";

/** A group as a vertical line beside the layers. */
export interface Lane {
  readonly group: PruneGroup;
  /** Number of the group in the picture, from 1 on. */
  readonly number: number;
  readonly column: number;
  readonly first: number;
  readonly last: number;
}

/** A lane for each group that some layer has; groups that do not overlap share a column. */
export function lanesOf(groups: readonly PruneGroup[], layers: readonly Layer[]): Lane[] {
  const free: number[] = [];
  const spans = groups.map((group, i) => {
    const at = layers.flatMap(({ marks }, index) => (marks.has(group) ? [index] : []));
    return { group, number: i + 1, first: at[0] ?? -1, last: at[at.length - 1] ?? -1 };
  });
  return spans
    .filter(({ first }) => first >= 0)
    .sort((a, b) => a.first - b.first || b.last - a.last || a.number - b.number)
    .map((span) => {
      // The line above the first mark is the label's.
      const found = free.findIndex((end) => end + 1 < span.first);
      const column = found < 0 ? free.length : found;
      free[column] = span.last;
      return { ...span, column };
    });
}
