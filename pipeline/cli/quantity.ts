import { EspalierError } from "../../src/diagnostics/index.ts";

/** Scale factors of a kind of quantity, by suffix in lower case. */
const SUFFIXES = {
  bytes: { "": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, k: 1024, m: 1024 ** 2 },
  count: { "": 1, k: 1e3, m: 1e6, g: 1e9 },
  milliseconds: { "": 1, ms: 1, us: 1e-3, s: 1e3 },
  points: { "": 1, pp: 1, "%": 1 },
} as const;

const EXAMPLES = {
  bytes: "64KiB, 0.5MB or 65536",
  count: "5M, 250k or 5000000",
  milliseconds: "4, 4ms, 800us or 0.1s",
  points: "1.5",
} as const;

export type QuantityKind = keyof typeof SUFFIXES;

/** Parses "64KiB", "5M", "4ms": a number above 0 (points: 0 or more) with a unit of the kind; bytes and counts become whole numbers. */
export function parseQuantity(flag: string, text: string, kind: QuantityKind): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z%]*)\s*$/i.exec(text);
  const scales: Readonly<Record<string, number>> = SUFFIXES[kind];
  const scale = match === null ? undefined : scales[match[2]!.toLowerCase()];
  const value = scale === undefined ? Number.NaN : Number(match![1]) * scale;
  if (!Number.isFinite(value) || value < 0 || (value === 0 && kind !== "points")) {
    throw new EspalierError("usage", `${flag} got "${text}", which is not a quantity greater than 0`, {
      hint: `Write it like ${EXAMPLES[kind]}.`,
    });
  }
  return kind === "bytes" || kind === "count" ? Math.round(value) : value;
}
