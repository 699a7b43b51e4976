import { describe, expect, it } from "vitest";
import { attempt } from "./attempt.ts";
import { corpus } from "./corpus.ts";
import { mutation } from "./run.ts";
import { supervise } from "./supervise.ts";

describe("readers under mutation", () => {
  it("start from specimens that are read", () => {
    expect(
      corpus()
        .filter((specimen) => attempt(specimen) !== "read")
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it("mutate alike for equal seeds, and unlike for others", () => {
    const specimens = corpus();
    expect(mutation(specimens, 3, 17)).toEqual(mutation(specimens, 3, 17));
    expect(mutation(specimens, 3, 17)).not.toEqual(mutation(specimens, 4, 17));
  });

  it("read or refuse 10,000 mutations: no other error, no hang, bounded memory", { timeout: 600_000 }, async () => {
    const result = await supervise({ seed: 1, count: 10_000 });
    expect(result.escapes).toEqual([]);
    expect(result.outcomes.read + result.outcomes.refused).toBe(10_000);
    // Both must happen, or the mutations are too wild or too tame to tell anything.
    expect(Math.min(result.outcomes.read, result.outcomes.refused)).toBeGreaterThan(1000);
    expect(result.megabytes).toBeLessThan(1024);
  });
});
