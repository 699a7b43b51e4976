import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Graph, parseGraph } from "../../../src/ir/index.ts";
import { inferTypes } from "../../../src/ops/index.ts";
import { runPasses } from "../../../src/passes/index.ts";

export const parse = (body: string) => parseGraph(`graph "g" {\n${body}\n}`, inferTypes);
export const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
export const rewritten = (body: string, ...passes: string[]) => runPasses(parse(body), passes);

export function failure(work: () => unknown): EspalierError {
  try {
    work();
  } catch (error) {
    return error as EspalierError;
  }
  throw new Error("nothing was thrown");
}
