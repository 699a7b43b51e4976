import { describe, expect, it } from "vitest";
import { CRITERIA, type CriterionName } from "../../../src/prune/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { dense, expectClose, samples, scoresOf, type TinyWeights } from "./tiny.ts";

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe("planted units", () => {
  const random = seededRandom(5, "planted");
  const [UNITS, INPUTS] = [8, 6];
  const row = (n: number) => Array.from({ length: n }, () => random.normal());
  const make = Array.from({ length: UNITS }, () => row(INPUTS));
  const read = [row(UNITS), row(UNITS), row(UNITS)];
  const rows = Array.from({ length: 64 }, () => row(INPUTS));
  const data = samples(
    rows,
    rows.map((_, i) => i % 3),
    [INPUTS],
  );
  const DEAD = 3;
  const dead: TinyWeights = {
    make: make.map((own, u) => (u === DEAD ? own.map(() => 0) : own)),
    read: read.map((own) => own.map((w, u) => (u === DEAD ? 0 : w))),
  };
  const copy: TinyWeights = {
    make: make.map((own, u) => (u === 6 ? make[1]! : own)),
    read: read.map((own) => own.map((w, u) => (u === 6 ? own[1]! : w))),
  };
  const blind = ["random", "bn-scale", "attention-entropy", "fpgm", "movement"];
  const seeing = (Object.keys(CRITERIA) as CriterionName[]).filter((name) => !blind.includes(name));

  it.each(seeing)("%s ranks a dead unit last", async (name) => {
    const scores = await scoresOf(dense(dead), name, data);
    expect(scores.indexOf(Math.min(...scores)), scores.join(", ")).toBe(DEAD);
  });

  it.each(["cosine", "correlation"] as const)("%s finds one of two copies", async (name) => {
    const scores = await scoresOf(dense(copy), name, data);
    const lowest = scores.indexOf(Math.min(...scores));
    expect([1, 6]).toContain(lowest);
    expect(scores[lowest]).toBeCloseTo(0);
    expect(scores[7 - lowest]).toBeGreaterThan(0.01);
  });

  it("fpgm ranks the unit in the middle of the others last", async () => {
    const centre = make[0]!.map((_, i) => mean(make.map((own) => own[i]!)));
    const middle = { make: make.map((own, u) => (u === 4 ? centre : own)), read };
    const scores = await scoresOf(dense(middle), "fpgm", data, { roles: ["out"] });
    expect(scores.indexOf(Math.min(...scores))).toBe(4);
  });

  const order = [4, 0, 7, 2, 6, 1, 3, 5];
  const shuffled: TinyWeights = {
    make: order.map((u) => make[u]!),
    read: read.map((own) => order.map((u) => own[u]!)),
  };
  const ordered = (Object.keys(CRITERIA) as CriterionName[]).filter(
    (name) => !["random", "bn-scale", "attention-entropy"].includes(name),
  );

  it.each(ordered)("%s does not depend on the order of units", async (name) => {
    const before = await scoresOf(dense({ make, read }), name, data);
    const after = await scoresOf(dense(shuffled), name, data);
    expectClose(
      after,
      order.map((u) => before[u]!),
      4,
    );
  });

  it.each([
    ["l1", 3],
    ["l2", 3],
    ["linf", 3],
    ["fpgm", 3],
    ["cosine", 1],
    ["activation-mean", 3],
    ["activation-norm", 3],
    ["activation-variance", 9],
    ["apoz", 1],
    ["correlation", 1],
    ["pca", 9],
    ["hrank", 1],
    ["mutual-information", 1],
  ] as const)("%s grows by a factor of %d when the makers' weights triple", async (name, factor) => {
    const tripled = { make: make.map((own) => own.map((w) => 3 * w)), read };
    const before = await scoresOf(dense({ make, read }), name, data, { roles: ["out"] });
    const after = await scoresOf(dense(tripled), name, data, { roles: ["out"] });
    expectClose(
      after,
      before.map((score) => factor * score),
      3,
    );
  });

  it.each(["taylor", "taylor-activation", "group-fisher", "snip"] as const)(
    "%s does not change when a unit's scale moves from its maker to its reader",
    async (name) => {
      const moved: TinyWeights = {
        make: make.map((own) => own.map((w) => 4 * w)),
        read: read.map((own) => own.map((w) => w / 4)),
      };
      expectClose(await scoresOf(dense(moved), name, data), await scoresOf(dense({ make, read }), name, data), 4);
    },
  );
});
