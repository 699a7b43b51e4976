import type { RunnerPort } from "../../src/runtimes/index.ts";
import {
  allocate,
  type DType,
  fromNumbers,
  type Random,
  seededRandom,
  sizeOf,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";

/** What the numbers are like: drawn at random, or all the same where a model refuses random ones (an index out of range). */
export type SampleKind = "random" | "bits" | "zeros" | "ones";

/** The least and greatest integer that is drawn for a dtype, both included. */
const WHOLE: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** Integers that count or index something stay small, so that they are in range for a table of 10 rows. */
const SMALL: readonly [number, number] = [0, 9];

function rangeOf(port: RunnerPort, kind: SampleKind): readonly [number, number] {
  if (kind === "bits") return [0, 1];
  if (port.quantization === undefined) return WHOLE[port.dtype] ?? SMALL;
  return WHOLE[port.dtype] ?? [-(2 ** 30), 2 ** 30];
}

/** A scalar that is a sampling rate means something only at a rate that models know; 16 kHz is the usual one of speech. */
const SAMPLING_RATE = /^(sr|sampl(e|ing)_?rate)$/i;

/** A tensor for an input: reals uniform in [-1, 1), booleans, integers in a range that fits their meaning. The same seed and name give the same numbers. */
export function sampleTensor(port: RunnerPort, shape: readonly number[], random: Random, kind: SampleKind): Tensor {
  const { dtype } = port;
  const size = sizeOf(shape);
  if (size === 1 && SAMPLING_RATE.test(port.name)) return fromNumbers(dtype, shape, [16000]);
  if (kind === "zeros") return tensor(dtype, shape, allocate(dtype, size) as never);
  const values = new Float64Array(size);
  if (kind === "ones") return fromNumbers(dtype, shape, values.fill(1));
  if (dtype.startsWith("float")) {
    for (let i = 0; i < size; i++) values[i] = 2 * random.next() - 1;
  } else {
    const [low, high] = dtype === "bool" ? [0, 1] : rangeOf(port, kind);
    for (let i = 0; i < size; i++) values[i] = low + random.below(high - low + 1);
  }
  return fromNumbers(dtype, shape, values);
}

/** A tensor for each input, of the given sizes. */
export function sampleInputs(
  ports: readonly RunnerPort[],
  shapes: readonly (readonly number[])[],
  seed: number,
  kind: SampleKind = "random",
): Tensor[] {
  return ports.map((port, i) =>
    // Reals stay random also where integers may not be.
    sampleTensor(
      port,
      shapes[i]!,
      seededRandom(seed, `input ${i}`),
      port.dtype.startsWith("float") ? realKind(kind) : kind,
    ),
  );
}

function realKind(kind: SampleKind): SampleKind {
  return kind === "bits" ? "random" : kind;
}
