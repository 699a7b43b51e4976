import { basename } from "node:path";
import { EspalierError, withContext } from "../diagnostics/index.ts";
import { listFiles } from "./class-folders.ts";
import { type Dataset, datasetOf } from "./dataset.ts";
import { decodeImage, imageShape } from "./decode-image.ts";
import type { LoadOptions } from "./load-options.ts";
import { chooseNormalisation } from "./normalise.ts";
import type { Sidecar } from "./sidecar.ts";

/** Most bytes of decoded images kept in memory: a whole run must fit in 4 GiB. */
const MAX_DECODED_BYTES = 1 << 30;

/** Images are known by their endings. */
const IMAGES = { matches: /\.(png|jpe?g)$/i, what: ".png, .jpg or .jpeg file" };

/** Images decoded at a time: enough for libuv's four threads. */
const DECODERS = 4;

/** One split of a folder of class folders. Without `sampleShape`, every image takes the shape of the first. */
export async function loadImageDataset(
  folder: string,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const { classes, paths, labels, note } = await listFiles(folder, options.split, sidecar?.classes, IMAGES);
  if (paths.length === 0) {
    throw new EspalierError("input", `The ${options.split} split has no images`, {
      where: folder,
      hint: "Expected a folder for each class with PNG or JPEG images.",
    });
  }
  const shape = imageDims(options.sampleShape ?? (await imageShape(paths[0]!)), folder);
  const size = shape[0] * shape[1] * shape[2];
  if (paths.length * size > MAX_DECODED_BYTES) {
    throw new EspalierError(
      "input",
      `${paths.length} images of [${shape.join(", ")}] take ${paths.length * size} bytes, at most ${MAX_DECODED_BYTES} are kept in memory`,
      { where: folder, hint: "Use fewer images; a few hundred for each class are enough to fine-tune." },
    );
  }
  const samples = new Uint8Array(paths.length * size);
  let next = 0;
  let done = 0;
  const decodeRest = async () => {
    while (next < paths.length) {
      const i = next++;
      samples.set(await decodeImage(paths[i]!, shape), i * size);
      options.onProgress?.(++done, paths.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: DECODERS }, decodeRest));
  } catch (error) {
    next = paths.length;
    throw error;
  }
  try {
    return datasetOf({
      name: sidecar?.name ?? basename(folder),
      sampleShape: shape,
      classes,
      labels,
      samples,
      normalisation: chooseNormalisation(options.normalisation, sidecar),
      ...(note === undefined ? {} : { note }),
    });
  } catch (error) {
    throw withContext(error, folder);
  }
}

function imageDims(shape: readonly number[], folder: string): readonly [number, number, number] {
  const [channels, height, width] = shape;
  const positive = shape.every((dim) => Number.isInteger(dim) && dim > 0);
  if (shape.length !== 3 || !positive || (channels !== 1 && channels !== 3)) {
    throw new EspalierError(
      "input",
      `The model takes samples of [${shape.join(", ")}], images have [1 or 3, height, width]`,
      {
        where: folder,
        hint: "Give data of the model's shape as IDX files.",
      },
    );
  }
  return [channels, height!, width!];
}
