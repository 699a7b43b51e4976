import { EspalierError } from "../diagnostics/index.ts";

/** How a graph is quantised to int8. Activations are asymmetric int8 per tensor, biases int32: TFLite's quantisation specification. */
export interface QuantizationScheme {
  /** Weights of convolutions: one scale an output channel, or one for all. */
  readonly convolution: "per-channel" | "per-tensor";
  /** Weights of fully connected layers; per-channel needs a runtime of 2023 or later (TFLM: FULLY_CONNECTED with per-channel weights). */
  readonly fullyConnected: "per-channel" | "per-tensor";
  /** A global average keeps the scale of its input (AVERAGE_POOL_2D) or gets its own (MEAN): see docs/tflite.md. */
  readonly globalAverage: "same-scale" | "own-scale";
  /** Bits that weights use of their int8, 2 to 8 (default): with 4 they are -7..7, which compresses to half the size. */
  readonly weightBits?: number;
  /** Names of nodes that stay on real numbers. */
  readonly keepFloat?: ReadonlySet<string>;
}

/** For TFLM: the kernels with the smallest arena and code. */
export const MCU_SCHEME: QuantizationScheme = {
  convolution: "per-channel",
  fullyConnected: "per-tensor",
  globalAverage: "same-scale",
};

/** For LiteRT on phones and their NPUs: the finest scales. */
export const MOBILE_SCHEME: QuantizationScheme = {
  convolution: "per-channel",
  fullyConnected: "per-channel",
  globalAverage: "own-scale",
};

/** Greatest magnitude of a quantised weight: 2^(bits - 1) - 1. Throws EspalierError "usage" for other than 2 to 8 bits. */
export function weightLevels({ weightBits = 8 }: QuantizationScheme): number {
  if (!(Number.isInteger(weightBits) && weightBits >= 2 && weightBits <= 8))
    throw new EspalierError("usage", `Weights of ${weightBits} bits in an int8`, { hint: "Give 2 to 8." });
  return 2 ** (weightBits - 1) - 1;
}
