import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Choice, type Costs, priceCurve, priceOf, solveBudget } from "../../../src/search/index.ts";

const none: Costs = { latencyMs: 0, flashBytes: 0, ramBytes: 0, macs: 0, parameters: 0 };

function choice(id: string, counts: readonly number[], unitPrice: number): Choice {
  return { id, counts, price: (kept) => (counts[0]! - kept) * unitPrice };
}

describe("priceCurve", () => {
  it("is monotone although the measurements are not", () => {
    const curve = priceCurve(8, 1, [
      { kept: 6, loss: 1.3 },
      { kept: 4, loss: 1.1 },
      { kept: 2, loss: 2 },
    ]);
    const prices = [8, 7, 6, 5, 4, 3, 2, 1].map((kept) => priceOf(curve, kept));
    expect(prices[0]).toBe(0);
    expect(prices[2]).toBeCloseTo(0.2); // the two violators pool to their mean
    expect(prices[4]).toBeCloseTo(0.2);
    expect(prices[6]).toBeCloseTo(1);
    for (let i = 1; i < prices.length; i++) expect(prices[i]!).toBeGreaterThanOrEqual(prices[i - 1]!);
  });
});

describe("solveBudget", () => {
  it("takes the units that relieve most for their price", () => {
    const result = solveBudget({
      choices: [choice("cheap", [8, 6, 4, 2], 1), choice("dear", [8, 6, 4, 2], 100)],
      constraints: [{ metric: "macs", limit: 12 }],
      cost: (a) => ({ ...none, macs: a.cheap! + a.dear! }),
    });
    expect(result.chosen?.assignment).toEqual({ cheap: 4, dear: 8 });
    expect(result.chosen?.price).toBe(4);
  });

  it("crosses a plateau of a metric that does not fall step by step", () => {
    const result = solveBudget({
      choices: [choice("a", [8, 7, 6, 5, 4, 3, 2, 1], 1), choice("b", [8, 7, 6, 5, 4, 3, 2, 1], 1)],
      constraints: [{ metric: "ramBytes", limit: 5 }],
      cost: (a) => ({ ...none, ramBytes: Math.max(a.a!, a.b!) }),
    });
    expect(result.chosen?.costs.ramBytes).toBeLessThanOrEqual(5);
    expect(result.chosen?.assignment).toEqual({ a: 5, b: 5 });
  });

  it("asks nothing for what lies in a block that is removed, and cuts nothing there", () => {
    const inner = { ...choice("inner", [8, 4, 2], 10), inside: ["block"] };
    const block: Choice = { id: "block", counts: [1, 0], price: (kept) => (kept === 0 ? 45 : 0) };
    const outer = choice("outer", [8, 6, 4, 2], 20);
    const cost = (a: Readonly<Record<string, number>>) => ({ ...none, macs: a.block! * (a.inner! + 2) + a.outer! });
    const at = (limit: number) =>
      solveBudget({ choices: [inner, outer, block], constraints: [{ metric: "macs", limit }], cost }).chosen!;
    // 40 for four inner units; 45 for the block, which is worth ten; then the inner units cost nothing and the outer ones are next.
    expect([at(14).assignment, at(14).price]).toEqual([{ inner: 4, outer: 8, block: 1 }, 40]);
    expect(at(8).assignment).toMatchObject({ outer: 8, block: 0 });
    expect(at(8).price).toBe(45);
    expect(at(6).assignment).toMatchObject({ outer: 6, block: 0 });
    expect(at(6).price).toBe(85);
  });

  it("says which constraint cannot be met and how near it came", () => {
    const result = solveBudget({
      choices: [choice("a", [8, 4], 1)],
      constraints: [
        { metric: "macs", limit: 2 },
        { metric: "flashBytes", limit: 100 },
      ],
      cost: (a) => ({ ...none, macs: a.a!, flashBytes: 50 }),
    });
    expect(result.chosen).toBeNull();
    expect(result.witnesses).toEqual([{ metric: "macs", limit: 2, best: 4 }]);
  });

  it("meets every budget it claims to meet, and never beats exhaustive search", () => {
    const counts = [4, 3, 2, 1];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            price: fc.integer({ min: 1, max: 20 }),
            cost: fc.integer({ min: 1, max: 20 }),
            ram: fc.integer({ min: 1, max: 20 }),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        (groups, tightMacs, tightRam) => {
          const choices = groups.map((g, i) => choice(String(i), counts, g.price));
          const costOf = (a: Readonly<Record<string, number>>): Costs => ({
            ...none,
            macs: groups.reduce((sum, g, i) => sum + g.cost * a[String(i)]!, 0),
            ramBytes: Math.max(...groups.map((g, i) => g.ram * a[String(i)]!)),
          });
          const whole = costOf(Object.fromEntries(choices.map((c) => [c.id, 4])));
          const constraints = [
            { metric: "macs" as const, limit: whole.macs * tightMacs },
            { metric: "ramBytes" as const, limit: whole.ramBytes * tightRam },
          ];
          const result = solveBudget({ choices, constraints, cost: costOf });
          let best = Number.POSITIVE_INFINITY;
          const walk = (i: number, a: Record<string, number>) => {
            if (i === choices.length) {
              const c = costOf(a);
              if (constraints.every((k) => c[k.metric] <= k.limit))
                best = Math.min(
                  best,
                  choices.reduce((s, ch) => s + ch.price(a[ch.id]!), 0),
                );
              return;
            }
            for (const kept of counts) walk(i + 1, { ...a, [String(i)]: kept });
          };
          walk(0, {});
          if (result.chosen === null) {
            // A refusal is right: even the smallest model does not fit.
            expect(best).toBe(Number.POSITIVE_INFINITY);
          } else {
            for (const k of constraints) expect(result.chosen.costs[k.metric]).toBeLessThanOrEqual(k.limit);
            expect(result.chosen.price).toBeGreaterThanOrEqual(best - 1e-9);
          }
        },
      ),
      { numRuns: 200, seed: 7 },
    );
  });
});
