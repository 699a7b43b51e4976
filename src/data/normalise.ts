import { EspalierError } from "../diagnostics/index.ts";
import { sizeOf } from "../tensor/index.ts";

/** Samples in their stored type. uint8 is taken as 0..255 standing for 0..1; the others are taken as they are. */
export type Samples = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array;

/** y = (x - mean[c]) / std[c], with x in 0..1 for 8-bit images. One entry per channel, or one for all channels. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Changes nothing: 8-bit images stay in 0..1. */
export const UNIT_NORMALISATION: Normalisation = { mean: [0], std: [1] };

/** The caller's normalisation, else the one of dataset.json, else none. */
export function chooseNormalisation(given: Normalisation | undefined, sidecar: Normalisation | null): Normalisation {
  const { mean, std } = given ?? sidecar ?? UNIT_NORMALISATION;
  return { mean, std };
}

/** Copies the sample that starts at `from` into `out` at `to`, normalised. */
export type Normaliser = (from: number, out: Float32Array, to: number) => void;

/**
 * The normaliser for samples of one shape (axis 0 is the channel). 8-bit samples go through a table per channel.
 * @throws EspalierError "input" when the number of means or deviations fits neither 1 nor the channels, or one is not usable.
 */
export function normaliser(samples: Samples, sampleShape: readonly number[], by: Normalisation): Normaliser {
  const channels = sampleShape[0] ?? 1;
  const mean = perChannel("mean", by.mean, channels);
  const std = perChannel("std", by.std, channels);
  const area = channels === 0 ? 0 : sizeOf(sampleShape) / channels;
  if (samples instanceof Uint8Array) {
    const tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, value) => (value / 255 - m) / std[c]!));
    return (from, out, to) => {
      for (let c = 0; c < channels; c++) {
        const table = tables[c]!;
        for (let i = c * area; i < (c + 1) * area; i++) out[to + i] = table[samples[from + i]!]!;
      }
    };
  }
  return (from, out, to) => {
    for (let c = 0; c < channels; c++) {
      const m = mean[c]!;
      const s = std[c]!;
      for (let i = c * area; i < (c + 1) * area; i++) out[to + i] = (samples[from + i]! - m) / s;
    }
  };
}

function perChannel(what: "mean" | "std", values: readonly number[], channels: number): number[] {
  if (values.length !== 1 && values.length !== channels) {
    throw new EspalierError("input", `"${what}" has ${values.length} entries, the samples have ${channels} channels`, {
      hint: "Give one entry for all channels or one for each.",
    });
  }
  const bad = values.find((v) => !Number.isFinite(v) || (what === "std" && v <= 0));
  if (bad !== undefined) {
    throw new EspalierError("input", `"${what}" contains ${bad}`, {
      hint: what === "std" ? "Deviations are finite and above 0." : "Means are finite.",
    });
  }
  return Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c]!);
}
