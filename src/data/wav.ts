import { EspalierError } from "../diagnostics/index.ts";

/** A sound as one channel of numbers in -1..1. */
export interface Sound {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

const PCM = 1;
const FLOAT = 3;
/** WAVE_FORMAT_EXTENSIBLE: the format stands in the first two bytes of the sub-format (Microsoft, "Multiple channel audio data and WAVE files"). */
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

type ReadSample = (view: DataView, at: number) => number;

/** How a sample is read, by code and bits; 8-bit PCM is unsigned, wider ones are signed. */
const READERS: Readonly<Record<string, ReadSample>> = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
};

/**
 * Reads a RIFF/WAVE file of PCM or float samples; several channels are averaged.
 * @throws EspalierError "input" on another format or a damaged file.
 */
export function parseWav(file: Uint8Array): Sound {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tag = (at: number) => (at + 4 <= file.length ? String.fromCharCode(...file.subarray(at, at + 4)) : "");
  if (tag(0) !== "RIFF" || tag(8) !== "WAVE")
    throw new EspalierError("input", "This is not a WAV file", { hint: "Convert the sound to WAV (PCM)." });
  let format: Format | null = null;
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(at) === "fmt ") format = parseFormat(view, start, Math.min(size, file.length - start));
    if (tag(at) === "data") {
      if (format === null) throw new EspalierError("input", "The samples come before their format");
      // Recorders that were cut off leave a size of 0 or of all ones: what is there counts.
      return decode(view, start, Math.min(size, file.length - start), format);
    }
    at = start + size + (size % 2);
  }
  throw new EspalierError("input", "The file holds no samples", { hint: "Copy it again." });
}

function parseFormat(view: DataView, start: number, size: number): Format {
  if (size < 16) throw new EspalierError("input", `The format chunk has ${size} bytes, 16 are needed`);
  const code = view.getUint16(start, true);
  return {
    code: code === EXTENSIBLE && size >= 26 ? view.getUint16(start + 24, true) : code,
    channels: view.getUint16(start + 2, true),
    sampleRate: view.getUint32(start + 4, true),
    bits: view.getUint16(start + 14, true),
  };
}

function decode(view: DataView, start: number, size: number, format: Format): Sound {
  const { code, channels, sampleRate, bits } = format;
  const read = READERS[`${code}/${bits}`];
  if (read === undefined || channels === 0 || sampleRate === 0)
    throw new EspalierError(
      "unsupported",
      `WAV format ${code} with ${bits} bits and ${channels} channels is not read`,
      {
        hint: "Convert it to 16-bit PCM.",
      },
    );
  const step = bits / 8;
  const samples = new Float32Array(Math.floor(size / (step * channels)));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += read(view, start + (i * channels + c) * step);
    samples[i] = sum / channels;
  }
  return { sampleRate, samples };
}
