import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MicroBuild, planArena } from "../src/cost/tflm/index.ts";
import { EspalierError } from "../src/diagnostics/index.ts";
import { decodeTflite } from "../src/formats/tflite/codec/index.ts";

// Compares the arena planner with measured rows: npx tsx scripts/check-tflm-arena.ts <folder of models> <tflm-arena.json> [part of a name]

interface Row {
  readonly model: string;
  readonly build: string;
  readonly arena_used?: number;
  readonly head?: number;
  readonly tail?: number;
  readonly min_arena?: number;
  readonly plan?: readonly { readonly offset: number; readonly first_use: number; readonly last_use: number }[];
  readonly persistent?: readonly { readonly what: string; readonly requested: number; readonly used: number }[];
}

const BUILDS: Readonly<Record<string, MicroBuild>> = {
  "arm32-ref": { abi: "arm32", kernels: "reference", simd: "none" },
  "arm32-cmsis-dsp": { abi: "arm32", kernels: "cmsis-nn", simd: "dsp" },
  "arm32-cmsis-nodsp": { abi: "arm32", kernels: "cmsis-nn", simd: "none" },
  "arm32-cmsis-mve": { abi: "arm32", kernels: "cmsis-nn", simd: "mve" },
};

const [folder, file, only] = process.argv.slice(2);
if (folder === undefined || file === undefined)
  throw new Error("usage: check-tflm-arena.ts <models> <tflm-arena.json> [name]");
const rows = JSON.parse(readFileSync(file, "utf8")) as Row[];
const tally = { exact: 0, wrong: 0, offsets: 0, minArenaWrong: 0, refused: 0, noModel: 0 };
const refused = new Map<string, number>();
for (const row of rows) {
  const build = BUILDS[row.build];
  const path = join(folder, row.model);
  if (row.arena_used === undefined || build === undefined || (only !== undefined && !row.model.includes(only)))
    continue;
  if (!existsSync(path)) {
    tally.noModel++;
    continue;
  }
  try {
    const plan = planArena(decodeTflite(readFileSync(path)), build);
    const isExact = plan.head === row.head && plan.tail === row.tail && plan.arenaUsed === row.arena_used;
    const offsetsAgree =
      row.plan?.every(
        (p, i) =>
          p.offset === plan.plan[i]?.offset && p.first_use === plan.plan[i]?.first && p.last_use === plan.plan[i]?.last,
      ) ?? true;
    if (isExact) tally.exact++;
    else tally.wrong++;
    if (!offsetsAgree) tally.offsets++;
    const minWrong = row.min_arena !== undefined && row.min_arena !== plan.minArena;
    if (minWrong) tally.minArenaWrong++;
    if (isExact && offsetsAgree && !minWrong) continue;
    const delta = (mine: number, theirs: number | undefined) =>
      theirs === undefined || mine === theirs ? "=" : `${mine} for ${theirs}`;
    console.log(
      `${row.model} ${row.build}: head ${delta(plan.head, row.head)}, tail ${delta(plan.tail, row.tail)}, min ${delta(plan.minArena, row.min_arena)}, offsets ${offsetsAgree}`,
    );
    if (only !== undefined) {
      console.log("  mine  ", plan.persistent.map((b) => `${b.what}@${b.operator ?? ""} ${b.bytes}`).join(", "));
      console.log("  theirs", row.persistent?.map((b) => `${b.what} ${b.requested}`).join(", "));
    }
  } catch (error) {
    if (!(error instanceof EspalierError)) throw error;
    tally.refused++;
    refused.set(error.message, (refused.get(error.message) ?? 0) + 1);
  }
}
console.log(tally, Object.fromEntries(refused));
