import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomic } from "./atomic.ts";
import { stableJson } from "./stable-json.ts";

const timingsSchema = z.record(z.string(), z.number().nonnegative());

/** Milliseconds by stage. */
export type Timings = Readonly<Record<string, number>>;

/** Timings on disk; none when the file is missing or damaged, because nothing depends on them. */
export async function readTimings(path: string): Promise<Timings> {
  try {
    return timingsSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return {};
  }
}

/** Notes how long a stage took, to the millisecond. */
export async function recordTiming(path: string, stage: string, milliseconds: number): Promise<void> {
  const timings = { ...(await readTimings(path)), [stage]: Math.round(milliseconds) };
  await writeFileAtomic(path, `${stableJson(timings, 2)}\n`);
}
