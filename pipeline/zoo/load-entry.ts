import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { sha256 } from "../../src/io/index.ts";
import { type ModelBytes, readModelBytes } from "../model-file.ts";
import { formatOf } from "../model-format.ts";
import type { ZooEntry } from "./find-models.ts";
import { type Golden, goldenBesideFile, goldenInArchive } from "./golden.ts";
import { readTar } from "./tar.ts";

let cached: { readonly path: string; readonly files: ReadonlyMap<string, Uint8Array> } | null = null;

async function filesOf(archive: string): Promise<ReadonlyMap<string, Uint8Array>> {
  if (cached?.path !== archive) {
    const entries = readTar(await readFile(archive), archive);
    cached = { path: archive, files: new Map(entries.map(({ name, bytes }) => [name, bytes])) };
  }
  return cached.files;
}

/** The bytes of a model of the zoo, and the golden values beside it. A member of an archive has no external files. */
export async function loadEntry({ path, member }: ZooEntry): Promise<{ model: ModelBytes; golden: Golden | null }> {
  if (member === undefined) return { model: await readModelBytes(path), golden: await goldenBesideFile(path) };
  const files = await filesOf(path);
  const bytes = Uint8Array.from(files.get(member)!);
  const format = formatOf(bytes, member);
  const name = posix.basename(member, posix.extname(member));
  const model = {
    format,
    path: `${path}!${member}`,
    name,
    bytes,
    files: new Map(),
    totalBytes: bytes.length,
    sha256: sha256(bytes),
  };
  return { model, golden: await goldenInArchive(member, files) };
}
