import type { Random, Tensor } from "../tensor/index.ts";

/** Changes a batch [n, C, H, W] in place; draws only from the given stream. */
export type Augment = (batch: Tensor<"float32">, random: Random) => void;

export interface ShiftAndFlipOptions {
  /** Each sample is moved by up to this many positions in both directions; the border is repeated. Default 2. */
  readonly shift?: number;
  /** Each sample is mirrored left to right with probability 1/2. Default true. */
  readonly flip?: boolean;
}

/** Random translation and mirroring of images. */
export function shiftAndFlip(options: ShiftAndFlipOptions = {}): Augment {
  const { shift = 2, flip = true } = options;
  return (batch, random) => {
    const [n = 0, channels = 0, height = 0, width = 0] = batch.shape;
    const area = height * width;
    const source = new Float32Array(area);
    const columns = new Int32Array(width);
    for (let i = 0; i < n; i++) {
      const down = random.below(2 * shift + 1) - shift;
      const right = random.below(2 * shift + 1) - shift;
      const mirrored = flip && random.next() < 0.5;
      for (let x = 0; x < width; x++) {
        const from = Math.min(width - 1, Math.max(0, x - right));
        columns[x] = mirrored ? width - 1 - from : from;
      }
      for (let c = 0; c < channels; c++) {
        const image = batch.data.subarray((i * channels + c) * area, (i * channels + c + 1) * area);
        source.set(image);
        for (let y = 0; y < height; y++) {
          const row = Math.min(height - 1, Math.max(0, y - down)) * width;
          for (let x = 0; x < width; x++) image[y * width + x] = source[row + columns[x]!]!;
        }
      }
    }
  };
}
