import { describe, expect, it } from "vitest";
import { summarise, timeInterleaved } from "../../../src/runtimes/index.ts";

describe("summarise", () => {
  it("gives the median and an interval of order statistics around it", () => {
    const timing = summarise(Array.from({ length: 101 }, (_, i) => (i * 37) % 101));
    expect(timing).toMatchObject({ medianMs: 50, rounds: 101 });
    // Ranks 50.5 -+ 1.96 * sqrt(101) / 2 = 40.65 and 60.35, from 1.
    expect(timing.interval[0]).toBe(40);
    expect(timing.interval[1]).toBe(60);
  });

  it("averages the middle pair of an even number and keeps the median inside its interval", () => {
    const timing = summarise([4, 1, 3, 2]);
    expect(timing.medianMs).toBe(2.5);
    expect(timing.interval[0]).toBeLessThanOrEqual(2.5);
    expect(timing.interval[1]).toBeGreaterThanOrEqual(2.5);
  });
});

describe("timeInterleaved", () => {
  it("runs every contestant in every round, in turn and in alternating order", async () => {
    const calls: string[] = [];
    const runner = (name: string) => async () => void calls.push(name);
    const timings = await timeInterleaved([runner("a"), runner("b")], { rounds: 4, warmup: 0 });
    expect(calls.join("")).toBe("abbaabba");
    expect(timings.map(({ rounds }) => rounds)).toEqual([4, 4]);
    expect(timings.every(({ medianMs }) => medianMs >= 0)).toBe(true);
  });
});
