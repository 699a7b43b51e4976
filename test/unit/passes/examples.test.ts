import { describe, expect, it } from "vitest";
import { parseGraph, printGraph } from "../../../src/ir/index.ts";
import { inferTypes } from "../../../src/ops/index.ts";
import { PASSES, runPasses } from "../../../src/passes/index.ts";

describe.each([...PASSES.values()])("$name", (pass) => {
  const before = parseGraph(pass.example.before, inferTypes);

  it("turns its example's before into its after", () => {
    expect(printGraph(runPasses(before, [pass]))).toBe(pass.example.after);
  });

  it("has an example in the printer's own words", () => {
    expect(printGraph(before)).toBe(pass.example.before);
    expect(printGraph(parseGraph(pass.example.after, inferTypes))).toBe(pass.example.after);
  });

  it("changes nothing the second time", () => {
    const once = runPasses(before, [pass]);
    expect(runPasses(once, [pass])).toBe(once);
  });
});
