import { EspalierError } from "../diagnostics/index.ts";
import { type Random, type Tensor, tensor } from "../tensor/index.ts";

export interface AugmentOptions {
  /** Shift by up to this many pixels in each direction: zero padding and a random crop (He et al. 2016, section 4.2). */
  readonly shift?: number;
  /** Probability of mirroring left and right. */
  readonly flip?: number;
  /** Side of the square that is blanked, centred anywhere (DeVries and Taylor 2017, "Cutout"). */
  readonly cutout?: number;
  /** Value of pixels that come from outside, one per channel or one for all; the default 0 is black for images in 0..1. */
  readonly fill?: readonly number[];
}

/**
 * A changed copy of images [n, C, H, W]: shift, then flip, then cutout, each drawn anew for each image.
 * @throws EspalierError "usage" on settings that do not fit the images.
 */
export function augment(images: Tensor<"float32">, random: Random, options: AugmentOptions): Tensor<"float32"> {
  const [count, channels, height, width] = imageDims(images);
  const { shift = 0, flip = 0, cutout = 0 } = options;
  const fill = fillPerChannel(options.fill ?? [0], channels);
  if (!Number.isInteger(shift) || shift < 0 || !Number.isInteger(cutout) || cutout < 0 || !(flip >= 0 && flip <= 1)) {
    throw new EspalierError("usage", `Augmentation shift ${shift}, flip ${flip}, cutout ${cutout}`, {
      hint: "Shift and cutout are whole numbers of pixels, flip is a probability.",
    });
  }
  const area = height * width;
  const out = new Float32Array(images.data.length);
  for (let n = 0; n < count; n++) {
    const dy = random.below(2 * shift + 1) - shift;
    const dx = random.below(2 * shift + 1) - shift;
    const mirror = random.next() < flip;
    const top = random.below(height) - (cutout >> 1);
    const left = random.below(width) - (cutout >> 1);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * area;
      const from = images.data.subarray(start, start + area);
      const to = out.subarray(start, start + area);
      movePlane(from, to, { height, width, dy, dx, mirror, fill: fill[c]! });
      if (cutout > 0) blank(to, { height, width, top, left, side: cutout, fill: fill[c]! });
    }
  }
  return tensor("float32", images.shape, out);
}

interface Move {
  readonly height: number;
  readonly width: number;
  readonly dy: number;
  readonly dx: number;
  readonly mirror: boolean;
  readonly fill: number;
}

/** to[y, x] = from[y + dy, x + dx] where that exists, then mirrored. */
function movePlane(from: Float32Array, to: Float32Array, { height, width, dy, dx, mirror, fill }: Move): void {
  const first = Math.min(width, Math.max(0, -dx));
  const last = Math.max(first, Math.min(width, width - dx));
  for (let y = 0; y < height; y++) {
    const row = to.subarray(y * width, (y + 1) * width);
    const source = y + dy;
    if (source < 0 || source >= height) {
      row.fill(fill);
      continue;
    }
    const base = source * width + dx;
    row.fill(fill, 0, first);
    for (let x = first; x < last; x++) row[x] = from[base + x]!;
    row.fill(fill, last);
    if (mirror) row.reverse();
  }
}

interface Square {
  readonly height: number;
  readonly width: number;
  readonly top: number;
  readonly left: number;
  readonly side: number;
  readonly fill: number;
}

function blank(plane: Float32Array, { height, width, top, left, side, fill }: Square): void {
  const right = Math.min(width, left + side);
  for (let y = Math.max(0, top); y < Math.min(height, top + side); y++) {
    plane.fill(fill, y * width + Math.max(0, left), y * width + right);
  }
}

function imageDims(images: Tensor<"float32">): [number, number, number, number] {
  if (images.shape.length !== 4) {
    throw new EspalierError("usage", `Augmentation needs images [n, C, H, W], got [${images.shape.join(", ")}]`, {
      hint: "Switch augmentation off for data that is not images.",
    });
  }
  return images.shape as unknown as [number, number, number, number];
}

function fillPerChannel(fill: readonly number[], channels: number): readonly number[] {
  if (fill.length !== 1 && fill.length !== channels) {
    throw new EspalierError("usage", `${fill.length} fill values for ${channels} channels`, {
      hint: "Give one for all channels or one for each.",
    });
  }
  return Array.from({ length: channels }, (_, c) => fill[fill.length === 1 ? 0 : c]!);
}
