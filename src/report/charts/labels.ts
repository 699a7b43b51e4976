import { printable } from "../text.ts";

/** Names short enough for an axis, each once: equal ones get a number, because a chart's rows are keyed by their label. */
export function axisLabels(names: readonly string[], longest: number): string[] {
  const seen = new Set<string>();
  return names.map((name) => {
    const base = printable(name, longest);
    let label = base;
    for (let copy = 2; seen.has(label); copy++) label = `${base} (${copy})`;
    seen.add(label);
    return label;
  });
}
