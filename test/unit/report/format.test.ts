import { describe, expect, test } from "vitest";
import {
  formatApart,
  formatChange,
  formatEvidence,
  formatInterval,
  formatNumber,
  formatQuantity,
  formatScientific,
  formatSeconds,
} from "../../../src/report/format.ts";

const words = (text: string) => text.replaceAll("\u00a0", " ").replaceAll("\u2212", "-");

describe("figures as text", () => {
  test.each([
    [1234567, 0, "1,234,567"],
    [-1234.5, 1, "-1,234.5"],
    [-0.0001, 2, "0.00"],
    [999, 0, "999"],
  ])("%d with %i decimals", (value, decimals, shown) => expect(words(formatNumber(value, decimals))).toBe(shown));

  test.each([
    [1023, "bytes", "1,023 B"],
    [65536, "bytes", "64.0 KiB"],
    [3 * 1024 * 1024, "bytes", "3.00 MiB"],
    [0.0042, "ms", "0.0042 ms"],
    [0.42, "ms", "0.420 ms"],
    [4.2, "ms", "4.20 ms"],
    [420, "ms", "420.0 ms"],
    [12345678, "MACs", "12,345,678 MACs"],
    [1.5, "points", "1.50 points"],
    [0.6, "ratio", "0.600"],
    [3, "count", "3"],
  ] as const)("%d %s", (value, unit, shown) => expect(words(formatQuantity(value, unit))).toBe(shown));

  test("figures that differ are told apart, however close", () => {
    expect(formatApart([65536, 65537], "bytes").map(words)).toEqual(["64.000 KiB", "64.001 KiB"]);
    expect(formatApart([1.5, 1.5], "points").map(words)).toEqual(["1.50 points", "1.50 points"]);
    expect(formatApart([900, 65536], "bytes").map(words)).toEqual(["0.9 KiB", "64.0 KiB"]);
  });

  test("evidence, intervals, changes, differences, times", () => {
    const evidence = { how: "", source: "" };
    expect(words(formatEvidence({ ...evidence, kind: "predicted", errorPercent: 12 }))).toBe("predicted ± 12 %");
    expect(words(formatEvidence({ ...evidence, kind: "predicted", errorPercent: 7.5 }))).toBe("predicted ± 7.5 %");
    expect(formatEvidence({ ...evidence, kind: "measured" })).toBe("measured");
    expect(words(formatInterval([1.02, 1.31], "ms"))).toBe("1.02 to 1.31 ms");
    expect(words(formatChange(200, 100))).toBe("-50.0 %");
    expect(words(formatChange(100, 150))).toBe("+50.0 %");
    expect(formatChange(0, 5)).toBe("");
    expect([0, 0.25, 2, 3.14e-7].map(formatScientific).map(words)).toEqual(["0", "0.25", "2", "3.1e-7"]);
    expect([3.21, 125].map(formatSeconds).map(words)).toEqual(["3.2 s", "2 min 05 s"]);
  });
});
