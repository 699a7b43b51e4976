import { join } from "node:path";
import { z } from "zod";
import { EspalierError } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";
import type { AudioSettings } from "./audio-features.ts";

/** Name of the description that may lie beside the data. */
export const SIDECAR_NAME = "dataset.json";

/** Front end of sounds (see AudioSettings). Defaults: one second at 16 kHz as 49 frames of 10 MFCCs, as MLPerf Tiny's keyword spotting has it. */
const audioSchema = z.strictObject({
  sampleRate: z.number().int().positive().max(192_000).default(16_000),
  seconds: z.number().positive().max(600).default(1),
  window: z.number().positive().max(1000).default(30),
  stride: z.number().positive().max(1000).default(20),
  features: z.enum(["mfcc", "log-mel"]).default("mfcc"),
  melBins: z.number().int().min(1).max(512).default(40),
  coefficients: z.number().int().min(1).max(512).default(10),
  lowest: z.number().nonnegative().default(20),
  highest: z.number().positive().default(4000),
});

/** How tables are read. */
const csvSchema = z.strictObject({
  /** Column that holds the labels; default "label". */
  label: z.string().min(1).optional(),
  /** Columns that are features, in this order; default all others. */
  columns: z.array(z.string().min(1)).min(1).optional(),
  /** Rows that make one sample of a time series; default 1. */
  window: z.number().int().min(1).max(1_000_000).optional(),
  /** Rows between the starts of two windows; default the window, so that none overlap. */
  stride: z.number().int().min(1).optional(),
});

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
  audio: audioSchema.optional(),
  csv: csvSchema.optional(),
});

/** What `dataset.json` says about a data set, defaults filled in. */
export type Sidecar = z.infer<typeof sidecarSchema>;

/** The front end when dataset.json says nothing. */
export const AUDIO_DEFAULTS: AudioSettings = audioSchema.parse({});

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
      hint: "Fields: name, classes, mean, std, licence, layout, audio, csv.",
    });
  }
  return parsed.data;
}
