import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/ir/index.ts";
import { editGraph, OP_TYPES, validateGraph } from "../../src/ops/index.ts";
import { cutGraph, findGroups } from "../../src/prune/index.ts";
import { takeAlong } from "../../src/tensor/index.ts";
import { judge, problem, Tally } from "./judge.ts";
import { randomGraph } from "./random-graphs.ts";

/** Operators of the table that no random graph holds, with the reason. A new operator needs a construction or a line here. */
const NOT_DRAWN: Readonly<Record<string, string>> = {};

/** Operators that are drawn, but of which no operand is ever cut, with the reason. */
const NEVER_CUT: Readonly<Record<string, string>> = {
  AffineGrid: "its grid has no channels",
  BlackmanWindow: "made of constants",
  ConstantOfShape: "made of constants",
  ConvInteger: "frozen: its scale is taken from the whole tensor",
  DynamicQuantizeLinear: "frozen: its scale is taken from the whole tensor",
  EyeLike: "frozen: a diagonal of what is left would lie elsewhere",
  HammingWindow: "made of constants",
  HannWindow: "made of constants",
  LRN: "its windows slide over the channels, and the places of a map are never cut",
  MatMulInteger: "frozen: its scale is taken from the whole tensor",
  MaxUnpool: "frozen: positions count over channels",
  MelWeightMatrix: "made of constants",
  Range: "made of constants",
  Shape: "frozen: it reads sizes",
  Size: "frozen: it reads sizes",
};

const COUNT = Number(process.env.PRUNE_COUNT ?? 2000);
const SEED = Number(process.env.PRUNE_SEED ?? 20260401);
const PATH = process.env.PRUNE_PATH;

/** As `cutGraph`, but for one weight, which keeps the positions behind the right ones. */
function cutWrongly(...[graph, groups, cut]: Parameters<typeof cutGraph>): Graph {
  const small = cutGraph(graph, groups, cut);
  const builder = editGraph(small);
  for (const { id, data } of small.values.values()) {
    const axis = data?.shape.findIndex((size, i) => size > 1 && size !== graph.values.get(id)?.type.shape[i]) ?? -1;
    if (data === undefined || axis < 0 || data.dtype !== "float32") continue;
    const size = data.shape[axis]!;
    const next = Array.from({ length: size }, (_, i) => (i + 1) % size);
    builder.setConstant(id, takeAlong(data, axis, next));
    break;
  }
  return builder.build();
}

describe("random graphs over the operator table", () => {
  it(`compute the same masked and cut in ONNX Runtime (${COUNT} graphs)`, {
    timeout: 60_000 + 200 * COUNT,
  }, async () => {
    const tally = new Tally();
    const property = fc.asyncProperty(problem, (drawn) => judge(drawn, tally));
    const result = await fc.check(property, {
      numRuns: PATH === undefined ? COUNT : 1,
      seed: SEED,
      ...(PATH === undefined ? {} : { path: PATH }),
    });
    if (result.failed) {
      const again = `PRUNE_SEED=${result.seed} PRUNE_PATH=${result.counterexamplePath} npx vitest run test/property/prune.test.ts`;
      const found = `After ${result.numRuns} graphs and ${result.numShrinks} steps of shrinking, of ${JSON.stringify(result.counterexample)}`;
      throw new Error(`${found}\n${(result.errorInstance as Error | null)?.message}\nThis one again: ${again}`);
    }
    if (process.env.PRUNE_COUNT !== undefined) console.log(tally);
    if (PATH !== undefined || COUNT < 2000) return;
    // The law is about something: most graphs are cut, and most cuts change what the model computes.
    expect(tally.cuts / COUNT).toBeGreaterThan(0.8);
    expect(tally.refused / COUNT).toBeLessThan(0.05);
    expect(tally.changed / tally.cuts).toBeGreaterThan(0.8);
    // About the whole table: every operator is drawn, and all that can be are cut.
    expect(OP_TYPES.filter((op) => !tally.drawn.has(op))).toEqual(Object.keys(NOT_DRAWN));
    expect(OP_TYPES.filter((op) => !tally.cut.has(op))).toEqual(
      [...Object.keys(NEVER_CUT), ...Object.keys(NOT_DRAWN)].sort(),
    );
  });

  it("find a rewrite that is wrong, and shrink the graph to little more than the fault", {
    timeout: 60_000,
  }, async () => {
    const property = fc.asyncProperty(problem, (drawn) => judge(drawn, new Tally(), cutWrongly));
    const result = await fc.check(property, { numRuns: 50, seed: SEED });
    expect(result.failed).toBe(true);
    expect((result.errorInstance as Error).message).toMatch(/^The outputs differ by .*, allowed are/);
    expect(result.counterexample![0].steps.length).toBeLessThanOrEqual(2);
  });

  it("stay valid, and no unit is named twice or lies nowhere", () => {
    fc.assert(
      fc.property(problem, ({ seed, steps, heads }) => {
        const graph = randomGraph(seed, steps, heads);
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
