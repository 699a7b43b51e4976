import sharp from "sharp";
import { EspalierError } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";

/** Largest image file read: a 100-megapixel JPEG is below it. */
const MAX_IMAGE_FILE_BYTES = 128 << 20;

/** Largest decoded image: above it lie only bombs and gigapixel scans, which no classifier takes whole. */
const MAX_PIXELS = 100_000_000;

const SIGNATURES: readonly (readonly number[])[] = [
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], // PNG
  [0xff, 0xd8, 0xff], // JPEG
];

/** Shape [C, H, W] that an image has by itself: 1 channel when it is grey, else 3; rotated as its EXIF data says. */
export async function imageShape(path: string): Promise<[number, number, number]> {
  const bytes = await readImage(path);
  const facts = await sharp(bytes, { limitInputPixels: MAX_PIXELS })
    .metadata()
    .catch((error: unknown) => {
      throw broken(path, error);
    });
  const { width, height } = facts.autoOrient;
  return [facts.space === "b-w" || facts.space === "grey16" ? 1 : 3, height, width];
}

/**
 * An image as bytes [C, H, W] with C = 1 (grey) or 3 (sRGB): turned as its EXIF data says, transparency laid over black, scaled to
 * cover H x W (Lanczos) and cut at the centre.
 * @throws EspalierError "input" naming a file that is damaged or not PNG or JPEG.
 */
export async function decodeImage(
  path: string,
  [channels, height, width]: readonly [number, number, number],
): Promise<Uint8Array> {
  const bytes = await readImage(path);
  let pixels: Uint8Array;
  let got: number;
  try {
    // JPEG's own scaling while decoding is faster, but its result depends on the ratio in steps of two.
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "warning" })
      .autoOrient()
      .flatten({ background: "#000000" })
      .resize(width, height, { fit: "cover", kernel: "lanczos3", fastShrinkOnLoad: false })
      .toColourspace(channels === 1 ? "b-w" : "srgb");
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    pixels = data;
    got = info.channels;
  } catch (error) {
    throw broken(path, error);
  }
  const area = height * width;
  if (pixels.length !== got * area || got < channels) {
    throw new EspalierError("input", `The image decodes to ${pixels.length} values, ${channels * area} are needed`, {
      where: path,
    });
  }
  const planes = new Uint8Array(channels * area);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) planes[c * area + i] = pixels[i * got + c]!;
  }
  return planes;
}

async function readImage(path: string): Promise<Uint8Array> {
  const bytes = await readInputFile(path, { what: "image", maxBytes: MAX_IMAGE_FILE_BYTES });
  // Checked here because sharp would also open an SVG or a TIFF that is called .png, and those can refer to other files.
  if (!SIGNATURES.some((signature) => signature.every((byte, i) => bytes[i] === byte))) {
    throw new EspalierError("input", "The image is neither PNG nor JPEG, whatever its name says", {
      where: path,
      hint: "Convert it, or remove it from the folder.",
    });
  }
  return bytes;
}

function broken(path: string, cause: unknown): EspalierError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EspalierError("input", `The image cannot be decoded: ${message.split("\n")[0]}`, {
    where: path,
    hint: "Export it again, or remove it from the folder.",
    cause,
  });
}
