import { augment as changeImages } from "../../src/data/index.ts";
import { EspalierError, suggestion } from "../../src/diagnostics/index.ts";
import type { Augment } from "../../src/train/index.ts";

/** How training samples are changed, as `--augment` says it. */
export interface Augmentation {
  /** Probability of mirroring left and right. */
  readonly flip?: number;
  /** Most positions that an image is moved in both directions. */
  readonly shift?: number;
  /** Side of the square that is blanked. */
  readonly cutout?: number;
  /** Alpha of mix-up. */
  readonly mixup?: number;
}

/** The value of each kind where none is written; null where one must be. */
const DEFAULTS = { flip: 0.5, shift: null, cutout: null, mixup: 0.2 } as const;
const KINDS = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
const HINT = "Write it like flip,shift:4,cutout:8,mixup:0.2.";

function fits(kind: keyof typeof DEFAULTS, value: number): boolean {
  if (kind === "flip") return value >= 0 && value <= 1;
  if (kind === "mixup") return value > 0 && value <= 100;
  return Number.isInteger(value) && value >= 0 && value <= 10_000;
}

/** Parses "flip,shift:4,cutout:8,mixup:0.2". Throws EspalierError "usage" for anything else. */
export function parseAugmentation(text: string): Augmentation {
  const result: { -readonly [K in keyof Augmentation]: Augmentation[K] } = {};
  for (const part of text.split(",")) {
    const [word = "", number, ...rest] = part.trim().split(":");
    const kind = KINDS.find((known) => known === word);
    if (kind === undefined)
      throw new EspalierError("usage", `--augment got "${word}", which is no way to change a sample`, {
        hint: `${suggestion(word, KINDS)} ${HINT}`,
      });
    const value = number === undefined ? DEFAULTS[kind] : /^\d+(\.\d+)?$/.test(number) ? Number(number) : Number.NaN;
    if (value === null || rest.length > 0 || !fits(kind, value) || result[kind] !== undefined)
      throw new EspalierError("usage", `--augment got "${part.trim()}", which says no size for ${kind}, or twice`, {
        hint: HINT,
      });
    result[kind] = value;
  }
  return result;
}

/** What changes a batch in place; undefined when nothing is asked for but mix-up, which the trainer does. Throws for samples that are no images. */
export function augmentOf(
  { flip = 0, shift = 0, cutout = 0 }: Augmentation,
  sampleShape: readonly number[],
): Augment | undefined {
  if (flip === 0 && shift === 0 && cutout === 0) return undefined;
  if (sampleShape.length !== 3 || sampleShape.slice(1).every((dim) => dim === 1))
    throw new EspalierError(
      "usage",
      `Samples of shape [${sampleShape.join(", ")}] are no images to flip, shift or cut`,
      {
        hint: "Leave these out of --augment; mixup works for any samples.",
      },
    );
  return (batch, random) => {
    batch.data.set(changeImages(batch, random, { flip, shift, cutout }).data);
  };
}
