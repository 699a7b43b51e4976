import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Folder of models by others (not part of the repository), or null: ESPALIER_MODELS, or ../shared/models beside the checkout. */
export const corpusFolder: string | null = (() => {
  const folder = process.env.ESPALIER_MODELS ?? resolve(import.meta.dirname, "../../../../shared/models");
  return existsSync(folder) ? folder : null;
})();

/** What a skipped test says. */
export const CORPUS_MISSING = "set ESPALIER_MODELS to a folder with tflite/*.tflite to run this";

export interface CorpusFile {
  readonly name: string;
  read(): Uint8Array;
}

/** The .tflite files in sub-folders of the corpus, by name. Empty when the corpus is absent. */
export function corpusFiles(...folders: readonly string[]): CorpusFile[] {
  if (corpusFolder === null) return [];
  return folders.flatMap((folder) =>
    readdirSync(join(corpusFolder, folder))
      .filter((name) => name.endsWith(".tflite"))
      .sort()
      .map((name) => ({ name, read: () => readFileSync(join(corpusFolder, folder, name)) })),
  );
}
