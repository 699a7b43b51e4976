import { describe, expect, it } from "vitest";
import { parseQuantity } from "../../../pipeline/cli/quantity.ts";

describe("parseQuantity", () => {
  it.each([
    ["64KiB", "bytes", 65536],
    ["64 kb", "bytes", 64000],
    ["1.5MiB", "bytes", 1572864],
    ["65536", "bytes", 65536],
    ["5M", "count", 5_000_000],
    ["250k", "count", 250_000],
    ["4", "milliseconds", 4],
    ["800us", "milliseconds", 0.8],
    ["0", "points", 0],
  ] as const)("reads %s as %s", (text, kind, value) => {
    expect(parseQuantity("--x", text, kind)).toBeCloseTo(value, 9);
  });

  it.each([
    ["", "bytes"],
    ["-5", "count"],
    ["0", "bytes"],
    ["5 parsecs", "milliseconds"],
    ["1e999", "bytes"],
    ["NaN", "count"],
  ] as const)("refuses %j with an example", (text, kind) => {
    expect(() => parseQuantity("--ram", text, kind)).toThrowError(/--ram got/);
  });
});
