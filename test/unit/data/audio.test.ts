import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { frontEnd } from "../../../src/data/audio-features.ts";
import { loadDataset } from "../../../src/data/index.ts";
import { AUDIO_DEFAULTS } from "../../../src/data/sidecar.ts";
import { parseWav } from "../../../src/data/wav.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { scratchFolders } from "../io/scratch-folder.ts";
import { writeWav } from "./write-wav.ts";

const scratch = scratchFolders();
const tone = (frequency: number, seconds: number, rate = 16_000) =>
  Array.from({ length: Math.round(seconds * rate) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / rate));

describe("parseWav", () => {
  it("reads 16-bit samples and averages channels", () => {
    const { sampleRate, samples } = parseWav(writeWav([1, 0, -0.5, 0.5], 8000, 2));
    expect(sampleRate).toBe(8000);
    expect(Array.from(samples, (v) => Math.round(v * 100) / 100)).toEqual([0.5, 0]);
  });

  it("takes what is there of a file that was cut off", () => {
    expect(parseWav(writeWav([0.1, 0.2, 0.3]).subarray(0, 48)).samples.length).toBe(2);
  });

  it.each([
    ["text", Buffer.from("hello hello hello"), "not a WAV file"],
    ["no samples", writeWav([]).subarray(0, 36), "no samples"],
    ["a compressed format", Buffer.from(writeWav([0, 0]).map((b, i) => (i === 20 ? 85 : b))), "format 85"],
  ])("refuses %s", (_, file, message) => {
    expect(() => parseWav(file)).toThrow(message);
  });
});

/** The same features by the definitions, with plain sums (tf.signal: stft, linear_to_mel_weight_matrix, mfccs_from_log_mel_spectrograms). */
function byDefinition(samples: Float32Array): number[][] {
  const mel = (f: number) => 1127 * Math.log(1 + f / 700);
  const edges = Array.from({ length: 42 }, (_, i) => mel(20) + (i * (mel(4000) - mel(20))) / 41);
  return Array.from({ length: 49 }, (_, frame) => {
    const magnitudes = Array.from({ length: 257 }, (_, bin) => {
      let re = 0;
      let im = 0;
      for (let i = 0; i < 480; i++) {
        const value = samples[frame * 320 + i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 480));
        re += value * Math.cos((2 * Math.PI * bin * i) / 512);
        im -= value * Math.sin((2 * Math.PI * bin * i) / 512);
      }
      return Math.sqrt(re * re + im * im);
    });
    const energies = Array.from({ length: 40 }, (_, m) => {
      let sum = 0;
      for (let bin = 1; bin < 257; bin++) {
        const at = mel((bin * 8000) / 256);
        const rise = (at - edges[m]!) / (edges[m + 1]! - edges[m]!);
        const fall = (edges[m + 2]! - at) / (edges[m + 2]! - edges[m + 1]!);
        sum += magnitudes[bin]! * Math.max(0, Math.min(rise, fall));
      }
      return Math.log(sum + 1e-6);
    });
    return Array.from({ length: 10 }, (_, k) => {
      const dct = energies.reduce((sum, e, i) => sum + 2 * e * Math.cos((Math.PI * k * (i + 0.5)) / 40), 0);
      return dct / Math.sqrt(80);
    });
  });
}

describe("frontEnd", () => {
  it("gives 49 frames of 10 coefficients by default, as their definition does", () => {
    const random = seededRandom(5, "sound");
    const samples = Float32Array.from({ length: 16_000 }, (_, i) => random.normal() * 0.1 + Math.sin(i / 7));
    const { shape, compute } = frontEnd(AUDIO_DEFAULTS);
    expect(shape).toEqual([49, 10]);
    const wanted = byDefinition(samples).flat();
    const got = compute(samples);
    expect(Math.max(...wanted.map((value, i) => Math.abs(value - got[i]!)))).toBeLessThan(1e-4);
  });

  it("has the energy of a tone in the bin of its frequency", () => {
    const { compute } = frontEnd({ ...AUDIO_DEFAULTS, features: "log-mel" });
    const strongest = (frequency: number) => {
      const row = compute(Float32Array.from(tone(frequency, 1))).subarray(0, 40);
      return row.indexOf(Math.max(...row));
    };
    expect([300, 1000, 3000].map(strongest)).toEqual([...[300, 1000, 3000].map(strongest)].sort((a, b) => a - b));
    expect(strongest(300)).toBeLessThan(strongest(1000));
  });

  it("refuses borders above half the rate", () => {
    expect(() => frontEnd({ ...AUDIO_DEFAULTS, highest: 9000 })).toThrow("higher rate");
  });
});

describe("loadDataset of class folders with sounds", () => {
  const folder = (files: Record<string, Buffer | string>) => {
    const root = scratch();
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    return root;
  };

  it("pads short sounds and gives [1, frames, coefficients]", async () => {
    const root = folder({ "train/low/a.wav": writeWav(tone(200, 0.5)), "train/high/b.wav": writeWav(tone(2000, 1)) });
    const train = await loadDataset(root, { split: "train", sampleShape: [1, 49, 10] });
    expect(train).toMatchObject({ classes: ["high", "low"], length: 2, sampleShape: [1, 49, 10] });
    const last = train.batch([1]).data.subarray(480, 490);
    expect(last[0]).toBeCloseTo((2 * 40 * Math.log(1e-6)) / Math.sqrt(80), 2);
  });

  it("refuses another rate, naming the file and both rates", async () => {
    const root = folder({ "train/a/x.wav": writeWav(tone(200, 1, 8000), 8000) });
    await expect(loadDataset(root, { split: "train" })).rejects.toMatchObject({
      message: expect.stringContaining("8000 samples a second, 16000 are expected"),
      where: expect.stringContaining("x.wav"),
    });
  });
});
