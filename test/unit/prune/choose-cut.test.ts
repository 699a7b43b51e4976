import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { chooseCut, cutGraph, findGroups, scoreGroups } from "../../../src/prune/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { draw, groupNamed, weightShape } from "./draw.ts";

/** Three layers in a row of 8, 6 and 4 channels. */
function chain() {
  const g = draw("chain");
  const relu = (x: number) => g.node("Relu", [x]);
  const a = relu(g.conv(g.input("N", 3, 4, 4), "a", 8));
  return g.done(g.head(relu(g.conv(relu(g.conv(a, "b", 6)), "c", 4))));
}

const graph = chain();
const groups = findGroups(graph);
const [a, b, c] = ["a.w", "b.w", "c.w"].map((name) => groupNamed(groups, name)) as [
  (typeof groups.groups)[number],
  (typeof groups.groups)[number],
  (typeof groups.groups)[number],
];
const all = [a, b, c];
/** a's scores are lowest, then b's, then c's. */
const rising = new Map(all.map((group, g) => [group.id, group.units.map((_, i) => 10 * g + i)]));
const left = (cut: ReadonlySet<number>) => all.map((group) => group.units.filter((unit) => !cut.has(unit.id)).length);
const failure = (call: () => unknown): EspalierError => {
  try {
    call();
  } catch (error) {
    return error as EspalierError;
  }
  throw new Error("nothing was thrown");
};

describe("chooseCut", () => {
  it("takes the lowest scores of all groups, wherever they are", () => {
    const cut = chooseCut(all, rising, { keep: 0.5, scope: "global" });
    // 9 of 18 go: 7 of a (one stays), then 2 of b.
    expect(left(cut)).toEqual([1, 4, 4]);
    expect(cut.has(a.units[7]!.id)).toBe(false);
    expect([b.units[0]!, b.units[1]!].every(({ id }) => cut.has(id))).toBe(true);
    const small = cutGraph(graph, groups, cut);
    expect(weightShape(small, "b.w")).toEqual([4, 1, 1, 1]);
  });

  it("takes the same share of every group when local", () => {
    expect(left(chooseCut(all, rising, { keep: 0.5, scope: "local" }))).toEqual([4, 3, 2]);
    expect(left(chooseCut(all, rising, { keep: 0.5, scope: "local", alignment: 4 }))).toEqual([4, 4, 4]);
  });

  it("keeps the minimum of units, one number for all or one for each", () => {
    expect(left(chooseCut(all, rising, { keep: 0.5, scope: "global", minimum: 3 }))).toEqual([3, 3, 3]);
    const half = (group: { readonly size: number }) => group.size / 2;
    expect(left(chooseCut(all, rising, { keep: 0.6, scope: "global", minimum: half }))).toEqual([4, 3, 4]);
  });

  it("keeps sizes on the alignment", () => {
    const cut = chooseCut(all, rising, { keep: 0.5, scope: "global", alignment: 2 });
    expect(left(cut)).toEqual([2, 2, 4]);
  });

  it("keeps exactly what was asked with steps of one unit, for any scores and share", () => {
    const random = seededRandom(4, "choose");
    for (let round = 0; round < 50; round++) {
      const scores = new Map(all.map((group) => [group.id, group.units.map(() => random.normal())]));
      const keep = 0.2 + 0.8 * random.next();
      const cut = chooseCut(all, scores, { keep, scope: "global" });
      expect(left(cut).reduce((x, y) => x + y, 0)).toBe(Math.ceil(keep * 18));
    }
  });

  it("keeps everything when all is to be kept", () => {
    expect(chooseCut(all, rising, { keep: 1, scope: "global" }).size).toBe(0);
  });

  it("refuses what the minimum does not allow, with both numbers", () => {
    const error = failure(() => chooseCut(all, rising, { keep: 0.25, scope: "global", minimum: 4 }));
    expect(error.code).toBe("budget");
    expect(error.message).toContain("keep 5 of 18 units");
    expect(error.message).toContain("leave 12");
    expect(failure(() => chooseCut(all, rising, { keep: 0.5, scope: "local", minimum: 8 })).code).toBe("budget");
    expect(failure(() => chooseCut(all, rising, { keep: 0, scope: "local" })).code).toBe("usage");
    expect(failure(() => chooseCut(all, new Map(), { keep: 0.5, scope: "local" })).code).toBe("internal");
  });
});

describe("LAMP", () => {
  it("divides each square by those of the scores that are not smaller", () => {
    const l1 = scoreGroups(graph, groups, "l1", { normalisation: "none" }).get(c.id)!;
    const lamp = scoreGroups(graph, groups, "l1", { normalisation: "lamp" }).get(c.id)!;
    lamp.forEach((score, i) => {
      const rest = l1.filter((other) => other >= l1[i]!).reduce((sum, other) => sum + other * other, 0);
      expect(score).toBeCloseTo(l1[i]! ** 2 / rest);
    });
    expect(Math.max(...lamp)).toBeCloseTo(1);
  });

  it("gives equal scores to equal units", () => {
    const same = {
      kind: "vectors",
      name: "same",
      says: "3",
      needs: "weights",
      vectors: (rows: readonly Float32Array[]) => new Float64Array(rows.length).fill(3),
    } as const;
    expect(Array.from(scoreGroups(graph, groups, same, { normalisation: "lamp" }).get(c.id)!)).toEqual(
      new Array(4).fill(1 / 4),
    );
  });

  it("ranks scores of both signs as they are", () => {
    const signed = {
      kind: "vectors",
      name: "signed",
      says: "-2, -1, 0...",
      needs: "weights",
      vectors: (rows: readonly Float32Array[]) => Float64Array.from(rows, (_, i) => i - 2),
    } as const;
    for (const normalisation of ["lamp", "mean", "max", "l2"] as const) {
      const scores = Array.from(scoreGroups(graph, groups, signed, { normalisation }).get(c.id)!);
      expect([...scores].sort((x, y) => x - y)).toEqual(scores);
      expect(new Set(scores).size).toBe(4);
    }
  });
});
