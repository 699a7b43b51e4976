import { EspalierError, suggestion } from "../../src/diagnostics/index.ts";
import { CRITERIA } from "../../src/prune/index.ts";

/** What a run is asked for. */
export interface Settings {
  readonly only: ReadonlySet<string>;
  /** Seeds of fine-tuning: the order of samples and augmentation. */
  readonly seeds: readonly number[];
  /** How many times fewer MACs. */
  readonly ratios: readonly number[];
  /** Models that are trained at a time, each on one thread. */
  readonly workers: number;
  readonly store: string;
  readonly fresh: boolean;
  readonly write: boolean;
}

/** How many times fewer MACs. */
export const RATIOS: readonly number[] = [2, 4];

/** What --only knows besides criteria: the controls (the reference itself, training from scratch) and the other tables. */
export const SECTIONS = ["reference", "scratch", "selection", "scopes", "refitted", "agreement"] as const;

export function settingsFrom(argv: readonly string[]): Settings {
  const options = argv.filter((text) => text.startsWith("--"));
  const given = new Map(options.map((text) => [text.slice(2).split("=")[0]!, text.split("=")[1] ?? ""] as const));
  const known = [...SECTIONS, ...Object.keys(CRITERIA)];
  const only = given.get("only")?.split(",") ?? known;
  for (const name of only)
    if (!known.includes(name))
      throw new EspalierError("usage", `There is no criterion "${name}"`, { hint: suggestion(name, known) });
  const seeds = (given.get("seeds") ?? "1").split(",").map(Number);
  if (!seeds.every((seed) => Number.isSafeInteger(seed)))
    throw new EspalierError("usage", `Seeds are whole numbers, got "${given.get("seeds")}"`);
  const ratios = (given.get("ratios") ?? RATIOS.join()).split(",").map(Number);
  for (const ratio of ratios)
    if (!RATIOS.some((known) => known === ratio))
      throw new EspalierError("usage", `MACs are cut by ${RATIOS.join(" or ")}, not by ${ratio}`);
  return {
    only: new Set(only),
    seeds,
    ratios,
    workers: Math.max(1, Number(given.get("workers") ?? 2)),
    store: given.get("store") ?? "runs/criteria.jsonl",
    fresh: given.has("fresh"),
    write: given.has("write"),
  };
}
