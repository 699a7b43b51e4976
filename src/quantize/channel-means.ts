import { type Tensor, toFloat32 } from "../tensor/index.ts";

/** Sum of each channel (axis 1) over all samples and positions. */
export interface ChannelSums {
  sums: Float64Array;
  /** Values that each sum has. */
  count: number;
}

/** Adds a batch [N, C, ...]; tensors without a channel axis, or with another number of channels than before, have no means. */
export function addChannels(into: ChannelSums, batch: Tensor): void {
  const [samples, channels] = batch.shape;
  if (samples === undefined || channels === undefined) return;
  if (into.count === 0) into.sums = new Float64Array(channels);
  if (into.sums.length !== channels) return;
  const values = toFloat32(batch);
  const area = channels * samples === 0 ? 0 : values.length / (samples * channels);
  for (let n = 0, at = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (const end = at + area; at < end; at++) sum += values[at]!;
      into.sums[c]! += sum;
    }
  }
  into.count += samples * area;
}

/**
 * What rounding a weight adds to the mean of each output: sum over inputs and kernel positions of (rounded - real) x mean
 * of the input's channel (Nagel et al. 2019, section 4.2). Padding counts as if it had the mean too. `error` is laid out
 * [outputs, inputs of the group, kernel].
 */
export function meanShift(
  error: Float32Array,
  shape: readonly [number, number, number],
  means: Float64Array,
  group: number,
): Float64Array {
  const [outputs, inputs, kernel] = shape;
  const shift = new Float64Array(outputs);
  for (let o = 0, at = 0; o < outputs; o++) {
    const first = Math.floor(o / (outputs / group)) * inputs;
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (const end = at + kernel; at < end; at++) sum += error[at]!;
      shift[o]! += sum * means[first + i]!;
    }
  }
  return shift;
}
