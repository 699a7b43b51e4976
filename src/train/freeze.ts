import { EspalierError, nearestWord } from "../diagnostics/index.ts";
import { type Graph, valueById } from "../ir/index.ts";
import { trainableConstants } from "./trainables.ts";

/** A pattern as a test of names: `*` stands for any text, everything else for itself. */
function matcher(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

/**
 * The names of the trainable constants that match a pattern ("block1.*"): what `frozen` takes.
 * @throws EspalierError "usage" for a pattern that matches none.
 */
export function frozenByPatterns(graph: Graph, patterns: readonly string[]): ReadonlySet<string> {
  const names = trainableConstants(graph).map((id) => valueById(graph, id).name);
  const frozen = new Set<string>();
  for (const pattern of patterns) {
    const test = matcher(pattern);
    const matched = names.filter((name) => test.test(name));
    if (matched.length === 0) {
      const near = nearestWord(pattern.replaceAll("*", ""), names);
      const examples = names.slice(0, 3).map((name) => `"${name}"`);
      const hint = near === null ? `There are, for example, ${examples.join(", ")}.` : `Did you mean "${near}"?`;
      throw new EspalierError("usage", `No trainable weight is called "${pattern}"`, {
        where: `graph "${graph.name}"`,
        hint: `${hint} * stands for any text.`,
      });
    }
    for (const name of matched) frozen.add(name);
  }
  return frozen;
}
