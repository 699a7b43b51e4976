import { readFile } from "node:fs/promises";
import { z } from "zod";
import { hashJson } from "./hash.ts";
import { stableJson } from "./stable-json.ts";

/** Changes when the layout of the run directory does: older records are then computed anew. */
const RECORD_VERSION = 1;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const recordSchema = z.strictObject({
  version: z.literal(RECORD_VERSION),
  stage: z.string(),
  inputHash: z.string(),
  json: z.json(),
  files: z.record(z.string(), z.strictObject({ bytes: z.number().int().nonnegative(), sha256: hash })),
  /** Of the rest of the record: finds hand edits. */
  recordHash: hash,
});

/** What a finished stage leaves: nothing in it depends on the time or the machine, so equal inputs give equal bytes. */
export type StageRecord = z.infer<typeof recordSchema>;

type RecordBody = Pick<StageRecord, "stage" | "inputHash" | "files"> & { readonly json: unknown };

/** The text of a record, with its own hash. */
export function recordText(body: RecordBody): string {
  const content = { version: RECORD_VERSION, ...body };
  return `${stableJson({ ...content, recordHash: hashJson(content) }, 2)}\n`;
}

/** A record read back, or the reason why it is not usable, for people. */
export async function readRecord(path: string): Promise<StageRecord | string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return "not computed yet";
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "its record is damaged";
  }
  const parsed = recordSchema.safeParse(json);
  if (!parsed.success) return "its record is damaged or from another version";
  const { recordHash, ...content } = parsed.data;
  if (hashJson(content) !== recordHash) return "its record was changed";
  return parsed.data;
}
