import type { Dataset } from "../src/data/index.ts";
import { EspalierError } from "../src/diagnostics/index.ts";
import { openOrt } from "../src/runtimes/index.ts";
import { type LiteRtTensorInfo, loadLiteRt } from "../src/runtimes/litert.ts";
import { dequantize, float32, quantize, type Tensor, toFloat32 } from "../src/tensor/index.ts";

/** Scores of every sample, [n, classes] row by row, as the artifact gives them in its real runtime. */
export interface ArtifactScores {
  readonly scores: Float32Array;
  readonly classes: number;
  /** Share of samples whose greatest score is the label's. */
  readonly accuracy: number;
  readonly n: number;
  /** Size of one output step for an int8 artifact; null for a float one. */
  readonly step: number | null;
  readonly runtime: string;
}

export type ScoreProgress = (done: number, total: number) => void;

/** Runs ONNX bytes over a data set in ONNX Runtime. */
export async function scoreOnnx(
  bytes: Uint8Array,
  data: Dataset,
  onProgress: ScoreProgress = () => {},
): Promise<ArtifactScores> {
  const session = await openOrt(bytes);
  const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
  const rows: Float32Array[] = [];
  const batch = 250;
  try {
    for (let from = 0; from < data.length; from += batch) {
      const indices = Int32Array.from({ length: Math.min(batch, data.length - from) }, (_, i) => from + i);
      rows.push(toFloat32((await session.run({ [input]: data.batch(indices) }))[output]!));
      onProgress(from + indices.length, data.length);
    }
  } finally {
    await session.close();
  }
  return judge(rows, data, null, "ONNX Runtime");
}

/** Runs a .tflite file over a data set in LiteRT, one sample at a time; integer inputs and outputs are converted by the file's own scales. */
export async function scoreTflite(
  bytes: Uint8Array,
  data: Dataset,
  onProgress: ScoreProgress = () => {},
): Promise<ArtifactScores> {
  const session = await loadLiteRt(bytes);
  const [input, output] = [session.inputs[0]!, session.outputs[0]!];
  const rows: Float32Array[] = [];
  try {
    for (let i = 0; i < data.length; i++) {
      const [result] = await session.run([toInput(data.batch([i]), input)]);
      rows.push(fromOutput(result!, output));
      if (i % 100 === 99) onProgress(i + 1, data.length);
    }
  } finally {
    session.close();
  }
  return judge(rows, data, output.quantization?.scales[0] ?? null, "LiteRT");
}

/** A channels-first float sample in the artifact's layout and type. */
export function toInput(sample: Tensor<"float32">, info: LiteRtTensorInfo): Tensor {
  const [n = 1, c = 1, h = 1, w = 1] = sample.shape;
  const values = sample.shape.length === 4 ? channelsLast(sample.data, n, c, h * w) : sample.data;
  const quantization = info.quantization;
  if (info.dtype === "float32" || quantization === undefined) return float32(info.shape, values);
  return quantize(values, info.shape, info.dtype, quantization.scales[0]!, quantization.zeroPoints[0]!);
}

function channelsLast(data: Float32Array, n: number, channels: number, area: number): Float32Array {
  if (channels === 1) return data;
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < area; p++) out[(i * area + p) * channels + c] = data[(i * channels + c) * area + p]!;
  return out;
}

function fromOutput(result: Tensor, info: LiteRtTensorInfo): Float32Array {
  const quantization = info.quantization;
  if (info.dtype === "float32" || quantization === undefined) return toFloat32(result);
  return dequantize(result, quantization.scales[0]!, quantization.zeroPoints[0]!);
}

function judge(rows: readonly Float32Array[], data: Dataset, step: number | null, runtime: string): ArtifactScores {
  const total = rows.reduce((sum, row) => sum + row.length, 0);
  const classes = total / data.length;
  if (!Number.isInteger(classes) || classes < 1)
    throw new EspalierError("runtime", `${runtime} gave ${total} scores for ${data.length} samples`);
  const scores = new Float32Array(total);
  let at = 0;
  for (const row of rows) {
    scores.set(row, at);
    at += row.length;
  }
  let hits = 0;
  for (let i = 0; i < data.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (scores[i * classes + k]! > scores[i * classes + best]!) best = k;
    if (best === data.labels[i]) hits++;
  }
  return { scores, classes, accuracy: hits / data.length, n: data.length, step, runtime };
}

/** Largest absolute difference of two lists of scores. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new EspalierError("internal", `internal: ${a.length} scores against ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
