import { join } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";
import { arrayDataset } from "./array-dataset.ts";
import type { Dataset } from "./dataset.ts";
import type { LoadOptions, Split } from "./load-options.ts";
import type { Sidecar } from "./sidecar.ts";

/** Bytes of an image: 3 planes of 32 x 32 (https://www.cs.toronto.edu/~kriz/cifar.html, "binary version"). */
const IMAGE = 3 * 32 * 32;
/** CIFAR-100's files have 50,000 records; a whole run must fit in 4 GiB. */
const MAX_FILE_BYTES = 1 << 28;

interface Flavour {
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Bytes before each image; the last is the label (CIFAR-100 has the coarse one first). */
  readonly labelBytes: number;
  /** File with the names of the classes, one a line. */
  readonly names: string;
}

const FLAVOURS: readonly Flavour[] = [
  {
    train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
    test: ["test_batch.bin"],
    labelBytes: 1,
    names: "batches.meta.txt",
  },
  { train: ["train.bin"], test: ["test.bin"], labelBytes: 2, names: "fine_label_names.txt" },
];

/** The binary version of CIFAR-10 or CIFAR-100 that a folder holds, or null. */
function flavourOf(files: ReadonlySet<string>): Flavour | null {
  return FLAVOURS.find(({ train, test }) => [...train, ...test].some((name) => files.has(name))) ?? null;
}

export function isCifarFolder(files: ReadonlySet<string>): boolean {
  return flavourOf(files) !== null;
}

/** One split of the binary version of CIFAR-10 or CIFAR-100; some of CIFAR-10's five training files are enough. */
export async function loadCifarDataset(
  folder: string,
  files: ReadonlySet<string>,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const flavour = flavourOf(files)!;
  const part = await recordsOf(folder, files, flavour, options.split);
  if (part === null) {
    throw new EspalierError(
      "input",
      `The ${options.split} split is missing: ${flavour[options.split].join(", ")} is not here`,
      { where: folder, hint: "Unpack the whole archive of the binary version." },
    );
  }
  const other = await recordsOf(folder, files, flavour, options.split === "train" ? "test" : "train");
  const names = files.has(flavour.names)
    ? new TextDecoder().decode(await readInputFile(join(folder, flavour.names), { maxBytes: 1 << 16 }))
    : "";
  const classes = names.split(/\r?\n/).filter((line) => line !== "");
  return arrayDataset(
    {
      folder,
      part: { dims: [part.labels.length, 3, 32, 32], data: part.images, labels: part.labels, source: folder },
      otherLabels: other?.labels ?? new Int32Array(0),
      layout: "channels-first",
      ...(classes.length > 0 ? { classes } : {}),
    },
    sidecar,
    options,
  );
}

async function recordsOf(
  folder: string,
  files: ReadonlySet<string>,
  { labelBytes, ...names }: Flavour,
  split: Split,
): Promise<{ images: Uint8Array; labels: Int32Array } | null> {
  const present = names[split].filter((name) => files.has(name));
  if (present.length === 0) return null;
  const record = labelBytes + IMAGE;
  const parts: Uint8Array[] = [];
  for (const name of present) {
    const bytes = await readInputFile(join(folder, name), { maxBytes: MAX_FILE_BYTES });
    if (bytes.length % record !== 0) {
      throw new EspalierError("input", `${bytes.length} bytes are not a whole number of records of ${record}`, {
        where: join(folder, name),
        hint: "Take the binary version of the data set, and copy it whole.",
      });
    }
    parts.push(bytes);
  }
  const count = parts.reduce((sum, bytes) => sum + bytes.length / record, 0);
  const images = new Uint8Array(count * IMAGE);
  const labels = new Int32Array(count);
  let n = 0;
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += record, n++) {
      labels[n] = bytes[at + labelBytes - 1]!;
      images.set(bytes.subarray(at + labelBytes, at + record), n * IMAGE);
    }
  }
  return { images, labels };
}
