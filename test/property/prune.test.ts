import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { type Graph, printGraph } from "../../src/ir/index.ts";
import { validateGraph } from "../../src/ops/index.ts";
import {
  cutOf,
  cutShapes,
  findGroups,
  joinCuts,
  type PruneGroups,
  proveCut,
  selectUnits,
} from "../../src/prune/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { float32, seededRandom, type Tensor } from "../../src/tensor/index.ts";
import { CONSTRUCTIONS, randomGraph } from "./random-graphs.ts";

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "basic" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

const step = fc.record({ kind: fc.nat(CONSTRUCTIONS - 1), a: fc.nat(20), b: fc.nat(20), size: fc.nat(20) });

/** A random cut of groups of the given kinds: most lose a random share of random units. */
function randomCut(groups: PruneGroups, seed: number, kinds: readonly string[]): Set<number> {
  const random = seededRandom(seed, "cut");
  return joinCuts(
    groups.groups.flatMap((group) => {
      if (random.next() < 0.3 || !kinds.includes(group.kind)) return [];
      const scores = group.units.map(() => random.next());
      return [cutOf(group, selectUnits(group, scores, 1 + random.below(group.size)))];
    }),
  );
}

/** Rows and channels overlap: together they may empty an axis that neither empties alone, and are then refused. */
function isRefused(graph: Graph, groups: PruneGroups, cut: ReadonlySet<number>): boolean {
  try {
    cutShapes(graph, groups, cut);
    return false;
  } catch (error) {
    if (error instanceof EspalierError && error.code === "input") return true;
    throw error;
  }
}

describe("random graphs", () => {
  it("compute the same masked and cut, in ONNX Runtime", { timeout: 120_000 }, async () => {
    let cuts = 0;
    let refused = 0;
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1000),
        fc.array(step, { minLength: 1, maxLength: 9, size: "max" }),
        fc.nat(9),
        fc.nat(1000),
        async (seed, steps, head, cutSeed) => {
          const graph = randomGraph(seed, steps, head);
          const groups = findGroups(graph);
          const kinds = [["channels"], ["channels"], ["rows"], ["channels", "rows"]][cutSeed % 4]!;
          const cut = randomCut(groups, cutSeed, kinds);
          if (cut.size === 0) return;
          if (kinds.length === 2 && isRefused(graph, groups, cut)) {
            refused++;
            return;
          }
          const random = seededRandom(seed, "input");
          const inputs = {
            x: float32(
              [2, 3, 4, 4],
              Array.from({ length: 96 }, () => random.normal()),
            ),
          };
          const proof = await proveCut(graph, groups, cut, { run, inputs });
          cuts++;
          if (proof.effect > proof.tolerance) changed++;
          expect(proof.maxAbs, printGraph(graph)).toBeLessThanOrEqual(proof.tolerance);
        },
      ),
      { numRuns: 300, seed: 20260401 },
    );
    // The law is about something: most cuts change what the model computes.
    expect(cuts).toBeGreaterThan(150);
    expect(refused).toBeLessThan(10);
    expect(changed / cuts).toBeGreaterThan(0.8);
  });

  it("stay valid and lose what was cut", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(9), (seed, steps, head) => {
        const graph = randomGraph(seed, steps, head);
        validateGraph(graph);
        const groups = findGroups(graph);
        const seen = new Set<number>();
        for (const unit of groups.units) {
          expect(seen.has(unit.id)).toBe(false);
          seen.add(unit.id);
          expect(unit.slices.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
