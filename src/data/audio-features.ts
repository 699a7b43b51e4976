import FFT from "fft.js";
import { EspalierError } from "../diagnostics/index.ts";

/** The front end of a keyword spotter; the defaults are those of MLPerf Tiny (mlcommons/tiny, keyword_spotting/get_dataset.py). */
export interface AudioSettings {
  /** In Hz; sounds of another rate are refused. */
  readonly sampleRate: number;
  /** Length that sounds are cut or padded to, in seconds. */
  readonly seconds: number;
  /** Length and distance of the frames, in milliseconds. */
  readonly window: number;
  readonly stride: number;
  readonly features: "mfcc" | "log-mel";
  readonly melBins: number;
  /** Number of cepstral coefficients kept; for "mfcc". */
  readonly coefficients: number;
  /** Border frequencies of the mel bins, in Hz. */
  readonly lowest: number;
  readonly highest: number;
}

/** Added before the logarithm, as in MLPerf Tiny. */
const FLOOR = 1e-6;

/** Frequency on the mel scale (HTK: 1127 ln(1 + f / 700)). */
const mel = (frequency: number) => 1127 * Math.log(1 + frequency / 700);

/**
 * Weights [bins][melBins] from linear bins to mel bins: triangles that meet at their neighbours' centres, the bin of 0 Hz left out
 * (tf.signal.linear_to_mel_weight_matrix).
 */
function melWeights(settings: AudioSettings, bins: number): Float64Array[] {
  const { melBins, sampleRate } = settings;
  const low = mel(settings.lowest);
  const step = (mel(settings.highest) - low) / (melBins + 1);
  return Array.from({ length: bins }, (_, bin) => {
    const row = new Float64Array(melBins);
    if (bin === 0) return row;
    const at = mel((bin * sampleRate) / (2 * (bins - 1)));
    for (let m = 0; m < melBins; m++) {
      const left = low + m * step;
      row[m] = Math.max(0, Math.min((at - left) / step, (left + 2 * step - at) / step));
    }
    return row;
  });
}

/** Computes features of sounds of one length. */
export interface FrontEnd {
  /** [frames, coefficients or mel bins]. */
  readonly shape: readonly [number, number];
  readonly compute: (samples: Float32Array) => Float32Array;
}

/**
 * Log-mel energies or MFCCs: Hann frames (periodic), magnitude of the Fourier transform padded to a power of two, mel bins, logarithm, and for MFCC
 * a DCT-II scaled by sqrt(1 / (2 melBins)) with the factor 2 of the unnormalised transform (tf.signal.mfccs_from_log_mel_spectrograms).
 * @throws EspalierError "usage" when no frame fits or a border is out of range.
 */
export function frontEnd(settings: AudioSettings): FrontEnd {
  const length = Math.round(settings.sampleRate * settings.seconds);
  const window = Math.round((settings.sampleRate * settings.window) / 1000);
  const stride = Math.round((settings.sampleRate * settings.stride) / 1000);
  const frames = Math.floor((length - window) / stride) + 1;
  if (!(window >= 2 && stride >= 1 && frames >= 1 && frames < 1e5 && window <= 1 << 16))
    throw new EspalierError("usage", `No frame of ${window} samples every ${stride} fits into ${length} samples`);
  if (!(settings.lowest >= 0 && settings.lowest < settings.highest && settings.highest <= settings.sampleRate / 2))
    throw new EspalierError(
      "usage",
      `Mel bins from ${settings.lowest} to ${settings.highest} Hz need a higher rate than ${settings.sampleRate}`,
    );
  const size = 2 ** Math.ceil(Math.log2(window));
  const hann = Float64Array.from({ length: window }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window));
  const weights = melWeights(settings, size / 2 + 1);
  const width = settings.features === "mfcc" ? settings.coefficients : settings.melBins;
  const transform = new FFT(size);
  const compute = (samples: Float32Array) => {
    const out = new Float32Array(frames * width);
    const frame = new Float64Array(size);
    const spectrum = transform.createComplexArray();
    for (let f = 0; f < frames; f++) {
      for (let i = 0; i < window; i++) frame[i] = (samples[f * stride + i] ?? 0) * hann[i]!;
      transform.realTransform(spectrum, frame);
      const energies = logMel(spectrum, weights, settings.melBins);
      out.set(settings.features === "mfcc" ? cepstrum(energies, width) : energies, f * width);
    }
    return out;
  };
  return { shape: [frames, width], compute };
}

function logMel(spectrum: readonly number[], weights: readonly Float64Array[], melBins: number): Float64Array {
  const sums = new Float64Array(melBins);
  weights.forEach((row, bin) => {
    const magnitude = Math.hypot(spectrum[2 * bin]!, spectrum[2 * bin + 1]!);
    for (let m = 0; m < melBins; m++) sums[m]! += magnitude * row[m]!;
  });
  return sums.map((value) => Math.log(value + FLOOR));
}

function cepstrum(energies: Float64Array, coefficients: number): Float64Array {
  const n = energies.length;
  return Float64Array.from({ length: coefficients }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += energies[i]! * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * n));
    return 2 * sum * Math.sqrt(1 / (2 * n));
  });
}
