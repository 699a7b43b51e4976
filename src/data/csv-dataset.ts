import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { EspalierError, withContext } from "../diagnostics/index.ts";
import { readInputFile } from "../io/read.ts";
import { arrayDataset } from "./array-dataset.ts";
import type { Dataset } from "./dataset.ts";
import type { LoadOptions, Split } from "./load-options.ts";
import type { Sidecar } from "./sidecar.ts";

/** A table of 256 MiB has millions of rows. */
const MAX_FILE_BYTES = 1 << 28;

/** Whether a folder holds tables. */
export function isCsvFolder(files: ReadonlySet<string>): boolean {
  return [...files].some((name) => name.endsWith(".csv"));
}

interface Table {
  readonly source: string;
  readonly columns: readonly string[];
  /** Numbers row by row; labels apart. */
  readonly values: Float32Array;
  readonly labels: readonly string[];
}

/**
 * One split of tables: train.csv and test.csv, or one .csv file. A row is a sample, its columns the features; with
 * `csv.window` in dataset.json, so many rows after each other are one sample [columns, window] with the label that most of them have.
 */
export async function loadCsvDataset(
  folder: string,
  files: ReadonlySet<string>,
  sidecar: Sidecar | null,
  options: LoadOptions,
): Promise<Dataset> {
  const tables = [...files].filter((name) => name.endsWith(".csv")).sort();
  const own = files.has(`${options.split}.csv`);
  if (!own && tables.length !== 1) {
    throw new EspalierError("input", `The ${options.split} split is missing: there is no ${options.split}.csv`, {
      where: folder,
      hint: "Give train.csv and test.csv, or one .csv file.",
    });
  }
  const other: Split = options.split === "train" ? "test" : "train";
  const table = await readTable(join(folder, own ? `${options.split}.csv` : tables[0]!), sidecar);
  const second = own && files.has(`${other}.csv`) ? await readTable(join(folder, `${other}.csv`), sidecar) : null;
  const classes = sidecar?.classes ?? classesOf([...table.labels, ...(second?.labels ?? [])]);
  const { window = 1, stride = window } = sidecar?.csv ?? {};
  if (stride < window)
    throw new EspalierError("usage", `Windows of ${window} rows every ${stride} rows share rows`, {
      where: folder,
      hint: "Held-out samples must not share rows with those that are learnt from: set the stride to the window or more.",
    });
  const part = own || window === 1 ? table : share(table, options.split);
  const { data, labels, count } = windows(part, classes, window, stride);
  const dims = window === 1 ? [count, table.columns.length] : [count, table.columns.length, window];
  return arrayDataset(
    {
      folder,
      part: { dims, data, labels, source: table.source },
      otherLabels: new Int32Array(0),
      classes,
      whole: !own && window === 1,
    },
    sidecar,
    options,
  );
}

/** The first four fifths of a series are for training, the last for the test: what comes later is never learnt from. Rows that are samples are split by class instead. */
function share(table: Table, split: Split): Table {
  return split === "train"
    ? rowsOf(table, 0, Math.floor(table.labels.length * 0.8))
    : rowsOf(table, Math.floor(table.labels.length * 0.8));
}

function rowsOf(table: Table, from: number, to: number = table.labels.length): Table {
  const width = table.columns.length;
  return { ...table, values: table.values.subarray(from * width, to * width), labels: table.labels.slice(from, to) };
}

async function readTable(path: string, sidecar: Sidecar | null): Promise<Table> {
  const bytes = await readInputFile(path, { what: "table", maxBytes: MAX_FILE_BYTES });
  try {
    const rows = parse(bytes, { bom: true, skip_empty_lines: true, trim: true }) as string[][];
    return tableOf(rows, path, sidecar);
  } catch (error) {
    if (error instanceof EspalierError) throw withContext(error, path);
    throw new EspalierError("input", `The table cannot be read: ${(error as Error).message}`, {
      where: path,
      cause: error,
    });
  }
}

function tableOf(rows: readonly (readonly string[])[], source: string, sidecar: Sidecar | null): Table {
  const [header, ...body] = rows;
  if (header === undefined || body.length === 0)
    throw new EspalierError("input", "The table has no rows below its header");
  const label = header.indexOf(sidecar?.csv?.label ?? "label");
  if (label < 0)
    throw new EspalierError(
      "input",
      `There is no column "${sidecar?.csv?.label ?? "label"}"; the columns are ${header.join(", ")}`,
      {
        hint: 'Name the column of the labels: "csv": {"label": "..."} in dataset.json. The first row holds the names.',
      },
    );
  const wanted = sidecar?.csv?.columns ?? header.filter((_, i) => i !== label);
  const positions = wanted.map((name) => {
    const at = header.indexOf(name);
    if (at < 0) throw new EspalierError("input", `There is no column "${name}"; the columns are ${header.join(", ")}`);
    return at;
  });
  const values = new Float32Array(body.length * positions.length);
  body.forEach((row, r) => {
    positions.forEach((at, i) => {
      const value = row[at] === "" ? Number.NaN : Number(row[at]);
      if (!Number.isFinite(value))
        throw new EspalierError(
          "input",
          `Row ${r + 2}, column "${header[at]}" holds ${JSON.stringify(row[at])}, not a number`,
        );
      values[r * positions.length + i] = value;
    });
  });
  return { source, columns: wanted, values, labels: body.map((row) => row[label]!) };
}

/** Labels that occur: whole numbers from 0 stand for themselves, others are sorted by code unit. */
function classesOf(labels: readonly string[]): string[] {
  const names = [...new Set(labels)];
  const numbers = names.map(Number);
  if (names.every((name, i) => /^\d+$/.test(name) && numbers[i]! < 65536))
    return Array.from({ length: Math.max(...numbers) + 1 }, (_, i) => String(i));
  return names.sort();
}

function windows(
  table: Table,
  classes: readonly string[],
  window: number,
  stride: number,
): { data: Float32Array; labels: Int32Array; count: number } {
  const width = table.columns.length;
  const rows = table.labels.length;
  const count = Math.max(0, Math.floor((rows - window) / stride) + 1);
  const indices = table.labels.map((name) => {
    const at = classes.indexOf(name);
    if (at < 0)
      throw new EspalierError("input", `The label "${name}" is not one of the ${classes.length} classes`, {
        where: table.source,
      });
    return at;
  });
  const data = new Float32Array(count * width * window);
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    const votes = new Map<number, number>();
    for (let t = 0; t < window; t++) {
      const row = n * stride + t;
      votes.set(indices[row]!, (votes.get(indices[row]!) ?? 0) + 1);
      for (let c = 0; c < width; c++) data[(n * width + c) * window + t] = table.values[row * width + c]!;
    }
    labels[n] = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]![0];
  }
  return { data, labels, count };
}
