import { basename } from "node:path";
import { EspalierError, withContext } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";
import { reshaped } from "./array-dataset.ts";
import { frontEnd } from "./audio-features.ts";
import { listFiles } from "./class-folders.ts";
import { type Dataset, datasetOf } from "./dataset.ts";
import type { LoadOptions } from "./load-options.ts";
import { chooseNormalisation } from "./normalise.ts";
import { AUDIO_DEFAULTS, type Sidecar } from "./sidecar.ts";
import { parseWav } from "./wav.ts";

/** Names of sound files. */
export const SOUND_NAME = /\.wav$/i;
/** Ten minutes of 16-bit sound at 48 kHz: a recording to be classified is seconds long. */
const MAX_FILE_BYTES = 1 << 26;

/** One split of class folders with WAV files, as the features that dataset.json's `audio` asks for: [1, frames, coefficients]. */
export async function loadAudioDataset(
  folder: string,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const settings = sidecar?.audio ?? AUDIO_DEFAULTS;
  const { shape, compute } = frontEnd(settings);
  const { classes, paths, labels, note } = await listFiles(folder, options.split, sidecar?.classes, {
    matches: SOUND_NAME,
    what: ".wav file",
  });
  const length = Math.round(settings.sampleRate * settings.seconds);
  const size = shape[0] * shape[1];
  const samples = new Float32Array(paths.length * size);
  for (const [i, path] of paths.entries()) {
    const sound = await readSound(path, settings.sampleRate);
    const fitted = new Float32Array(length);
    fitted.set(sound.subarray(0, length));
    samples.set(compute(fitted), i * size);
    options.onProgress?.(i + 1, paths.length);
  }
  return datasetOf({
    name: sidecar?.name ?? basename(folder),
    sampleShape: reshaped([1, ...shape], options.sampleShape, folder),
    classes,
    labels,
    samples,
    normalisation: chooseNormalisation(options.normalisation, sidecar),
    ...(note === undefined ? {} : { note }),
  });
}

async function readSound(path: string, sampleRate: number): Promise<Float32Array> {
  const bytes = await readInputFile(path, { what: "sound", maxBytes: MAX_FILE_BYTES });
  try {
    const sound = parseWav(bytes);
    if (sound.sampleRate !== sampleRate)
      throw new EspalierError(
        "input",
        `The sound has ${sound.sampleRate} samples a second, ${sampleRate} are expected`,
        {
          hint: 'Resample it, or set "audio": {"sampleRate": ...} in dataset.json.',
        },
      );
    return sound.samples;
  } catch (error) {
    throw withContext(error, path);
  }
}
