import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Graph, printGraph } from "../../src/ir/index.ts";
import { validateGraph } from "../../src/ops/index.ts";
import { cutOf, findGroups, joinCuts, proveCut, selectUnits } from "../../src/prune/index.ts";
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

/** A random cut: most groups lose a random share of random units. */
function randomCut(groups: ReturnType<typeof findGroups>, seed: number): Set<number> {
  const random = seededRandom(seed, "cut");
  return joinCuts(
    groups.groups.flatMap((group) => {
      if (random.next() < 0.3) return [];
      const scores = group.units.map(() => random.next());
      return [cutOf(group, selectUnits(group, scores, 1 + random.below(group.size)))];
    }),
  );
}

describe("random graphs", () => {
  it("compute the same masked and cut, in ONNX Runtime", { timeout: 120_000 }, async () => {
    let cuts = 0;
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
          const cut = randomCut(groups, cutSeed);
          if (cut.size === 0) return;
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
