import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EspalierError, invariant } from "../diagnostics/index.ts";
import { syncFolder, withTemporary, writeFileAtomic, writeFileSynced } from "./atomic.ts";
import { sha256 } from "./hash.ts";
import { confine, safeSegments } from "./paths.ts";
import { readInputFile, systemError } from "./read.ts";
import { stableJson } from "./stable-json.ts";
import { readRecord, recordText } from "./stage-record.ts";

/** What a stage computes: files by relative path ("model.onnx", "plots/a.svg") and a JSON value. */
export interface StageOutput<T> {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly json: T;
}

/** The stored result of a stage whose record and files are whole, or the reason why there is none. */
export async function readStage<T>(stages: string, name: string, inputHash: string): Promise<StageOutput<T> | string> {
  const record = await readRecord(join(stages, `${name}.json`));
  if (typeof record === "string") return record;
  if (record.stage !== name) return "its record belongs to another stage";
  if (record.inputHash !== inputHash) return "its inputs changed";
  const files: Record<string, Uint8Array> = {};
  for (const [path, facts] of Object.entries(record.files)) {
    const bytes = await readStored(join(stages, name), path, facts.bytes);
    if (bytes === null) return `${path} is missing or was changed`;
    if (sha256(bytes) !== facts.sha256) return `${path} was changed`;
    files[path] = bytes;
  }
  return { files, json: record.json as T };
}

async function readStored(folder: string, path: string, size: number): Promise<Uint8Array | null> {
  try {
    const bytes = await readInputFile(await confine(folder, path), { maxBytes: size, allowEmpty: true });
    return bytes.length === size ? bytes : null;
  } catch {
    return null;
  }
}

/**
 * Stores a result so that a process killed at any point leaves the old result, the new one, or none: files go into a staging
 * folder; the old record goes first, then the old files; the staging folder takes their place; the record is written last.
 */
export async function commitStage<T>(
  stages: string,
  name: string,
  inputHash: string,
  output: StageOutput<T>,
): Promise<StageOutput<T>> {
  const paths = Object.keys(output.files).sort();
  for (const path of paths) invariant(safeSegments(path).join("/") === path, `stage file name "${path}"`);
  const json = JSON.parse(stableJson(output.json)) as T;
  const final = join(stages, name);
  const record = join(stages, `${name}.json`);
  try {
    await withTemporary(final, async (staging) => {
      await writeStaging(staging, paths, output.files);
      await rm(record, { force: true });
      await syncFolder(stages);
      await rm(final, { recursive: true, force: true });
      await rename(staging, final);
    });
    const files = Object.fromEntries(
      paths.map((path) => [path, { bytes: output.files[path]!.length, sha256: sha256(output.files[path]!) }]),
    );
    await writeFileAtomic(record, recordText({ stage: name, inputHash, json, files }));
  } catch (error) {
    throw error instanceof EspalierError ? error : systemError(error, final, "stage result");
  }
  return { files: output.files, json };
}

async function writeStaging(staging: string, paths: string[], files: StageOutput<unknown>["files"]): Promise<void> {
  await mkdir(staging);
  const folders = new Set([staging]);
  for (const path of paths) {
    const target = join(staging, path);
    await mkdir(dirname(target), { recursive: true });
    folders.add(dirname(target));
    await writeFileSynced(target, files[path]!);
  }
  for (const folder of folders) await syncFolder(folder);
}
