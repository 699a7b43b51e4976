import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, posix } from "node:path";
import type { RunnerPort } from "../../src/runtimes/index.ts";
import { fromNumbers, sizeOf, type Tensor } from "../../src/tensor/index.ts";

/** Inputs with the outputs that they must give, as they lie beside a model: name_input0_int16.csv, name_golden_int16.csv. */
export interface Golden {
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

type ReadFile = (name: string) => Promise<Uint8Array>;

function numbersOf(bytes: Uint8Array): number[] {
  return new TextDecoder()
    .decode(bytes)
    .split(/[\s,]+/)
    .filter((word) => word !== "")
    .map(Number);
}

async function goldenOf(stem: string, names: readonly string[], read: ReadFile): Promise<Golden | null> {
  const output = names.find((name) => name.startsWith(`${stem}_golden`) && name.endsWith(".csv"));
  const inputs = names
    .filter((name) => name.startsWith(`${stem}_input`) && name.endsWith(".csv"))
    .sort((a, b) => (a < b ? -1 : 1));
  if (output === undefined || inputs.length === 0) return null;
  return {
    inputs: await Promise.all(inputs.map(async (name) => numbersOf(await read(name)))),
    output: numbersOf(await read(output)),
  };
}

/** The golden values beside a file on disk, or null. */
export async function goldenBesideFile(path: string): Promise<Golden | null> {
  const folder = dirname(path);
  return goldenOf(basename(path, extname(path)), await readdir(folder), (name) => readFile(join(folder, name)));
}

/** The golden values beside a member of an archive, or null. */
export async function goldenInArchive(member: string, files: ReadonlyMap<string, Uint8Array>): Promise<Golden | null> {
  const folder = posix.dirname(member);
  const names = [...files.keys()].filter((name) => posix.dirname(name) === folder).map((name) => posix.basename(name));
  const stem = posix.basename(member, posix.extname(member));
  return goldenOf(stem, names, async (name) => files.get(posix.join(folder, name))!);
}

/** The golden inputs as tensors, or null when their counts do not fit the ports. */
export function goldenInputs(
  golden: Golden,
  ports: readonly RunnerPort[],
  shapes: readonly (readonly number[])[],
): Tensor[] | null {
  const fits =
    golden.inputs.length === ports.length && golden.inputs.every((values, i) => values.length === sizeOf(shapes[i]!));
  return fits ? golden.inputs.map((values, i) => fromNumbers(ports[i]!.dtype, shapes[i]!, values)) : null;
}
