/**
 * Time of coupling, of one cut and of its shapes on a graph of the size of ResNet-50 (53 convolutions, 26,560 channels), as ratios to
 * validating the same graph, in processor time and interleaved: wall time means nothing on a shared machine.
 *
 *     npm run bench -- coupling
 */
import { validateGraph } from "../src/ops/index.ts";
import { cutGraph, cutOf, cutShapes, findGroups, joinCuts, scoreGroups, selectUnits } from "../src/prune/index.ts";
import { resnet50 } from "./resnet50.ts";

/** Median processor milliseconds (user and system, all threads) of each task over interleaved rounds. */
function medians(tasks: Readonly<Record<string, () => unknown>>, rounds: number): Record<string, number> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = process.cpuUsage();
      task();
      // The first round warms up.
      const { user, system } = process.cpuUsage(start);
      if (round > 0) times[name]!.push((user + system) / 1000);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, list.sort((a, b) => a - b)[list.length >> 1]!]),
  );
}

const graph = resnet50();
const groups = findGroups(graph);
const scores = scoreGroups(graph, groups, "l1");
const cut = joinCuts(
  groups.groups.map((group) => cutOf(group, selectUnits(group, scores.get(group.id)!, group.size / 2, 8))),
);
const result = medians(
  {
    validate: () => validateGraph(graph),
    findGroups: () => findGroups(graph),
    scoreGroups: () => scoreGroups(graph, groups, "l1"),
    cutShapes: () => cutShapes(graph, groups, cut),
    cutGraph: () => cutGraph(graph, groups, cut),
  },
  9,
);
/** Most milliseconds on a machine that does nothing else, as the project promises them; processor time is never less than wall time here. */
const LIMITS: Readonly<Record<string, number>> = { findGroups: 200, cutGraph: 1000 };

function limitText(name: string, ms: number): string {
  const limit = LIMITS[name];
  return limit === undefined ? "" : `  limit ${limit} ms: ${ms < limit ? "held" : "EXCEEDED"}`;
}

console.log(
  `${graph.nodes.length} nodes, ${groups.groups.length} groups, ${groups.units.length} units, ${cut.size} cut`,
);
for (const [name, ms] of Object.entries(result))
  console.log(
    `${name.padEnd(12)} ${ms.toFixed(1).padStart(7)} ms  ${(ms / result.validate!).toFixed(1).padStart(5)} x validate${limitText(name, ms)}`,
  );
