import { EspalierError } from "../../src/diagnostics/index.ts";
import type { RunnerPort } from "../../src/runtimes/index.ts";

/**
 * For each port of the graph, the place of the original's port that it stands for: by name where all names are found, else
 * by place. Inputs bound to a constant (`bound`) are the original's only. Throws EspalierError "internal" when they do not fit.
 */
export function matchPorts(
  ours: readonly RunnerPort[],
  original: readonly RunnerPort[],
  bound: ReadonlySet<string> = new Set(),
): number[] {
  const names = original.map(({ name }) => name);
  const unique = new Set(names).size === names.length;
  if (unique && ours.every(({ name }) => names.includes(name))) return ours.map(({ name }) => names.indexOf(name));
  const free = original.flatMap((port, i) => (bound.has(port.name) ? [] : [i]));
  if (free.length !== ours.length) {
    const list = (ports: readonly RunnerPort[]) => ports.map(({ name }) => name).join(", ");
    throw new EspalierError(
      "internal",
      `internal: the graph has the ports [${list(ours)}], the original [${list(original)}]`,
    );
  }
  return free;
}
