import { join } from "node:path";
import { z } from "zod";
import { EspalierError } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";

/** Name of the description that may lie beside the data. */
export const SIDECAR_NAME = "dataset.json";

const sidecarSchema = z.strictObject({
  name: z.string().min(1),
  /** Class names in the order of the labels. */
  classes: z.array(z.string().min(1)).min(1).optional(),
  /** Per channel, or one entry for all; for 8-bit images in units of 0..1. */
  mean: z.array(z.number()).min(1).default([0]),
  std: z.array(z.number().positive()).min(1).default([1]),
  /** SPDX identifier, or a sentence. */
  licence: z.string().optional(),
  /** Order of the axes of a sample with 3 axes. */
  layout: z.enum(["channels-first", "channels-last"]).default("channels-first"),
});

/** What `dataset.json` says about a data set, defaults filled in. */
export type Sidecar = z.infer<typeof sidecarSchema>;

/** A description that large is not one. */
const MAX_SIDECAR_BYTES = 1 << 20;

/** Reads `dataset.json` of a folder. Throws EspalierError "input" naming each wrong field. */
export async function readSidecar(folder: string): Promise<Sidecar> {
  const path = join(folder, SIDECAR_NAME);
  const text = new TextDecoder().decode(await readInputFile(path, { maxBytes: MAX_SIDECAR_BYTES }));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EspalierError("input", `Not valid JSON: ${(error as Error).message}`, { where: path, cause: error });
  }
  const parsed = sidecarSchema.safeParse(json);
  if (!parsed.success) {
    throw new EspalierError("input", z.prettifyError(parsed.error), {
      where: path,
      hint: "Fields: name, classes, mean, std, licence, layout.",
    });
  }
  return parsed.data;
}
