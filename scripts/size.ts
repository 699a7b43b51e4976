/** Prints files and lines by folder, generated code apart: npm run size */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PARTS = ["src", "targets", "pipeline", "scripts", "bench", "test"];

interface Row {
  folder: string;
  files: number;
  lines: number;
  generated: number;
  longest: { readonly file: string; readonly lines: number };
}

function linesOf(file: string): number {
  return readFileSync(join(ROOT, file), "utf8").split("\n").length - 1;
}

function rowOf(folder: string, files: readonly string[]): Row {
  const row: Row = { folder, files: 0, lines: 0, generated: 0, longest: { file: "", lines: 0 } };
  for (const file of files) {
    const lines = linesOf(file);
    if (file.split(sep).includes("generated")) {
      row.generated += lines;
      continue;
    }
    row.files++;
    row.lines += lines;
    if (lines > row.longest.lines) row.longest = { file, lines };
  }
  return row;
}

/** The TypeScript files of a part, grouped by its folders (files of its own under its name). */
function folders(part: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const entry of readdirSync(join(ROOT, part), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const file = join(entry.parentPath, entry.name).slice(ROOT.length);
    const [, folder] = file.split(sep);
    const key = folder === undefined || folder.endsWith(".ts") ? part : `${part}/${folder}`;
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function line(name: string, row: Row): string {
  const generated = row.generated === 0 ? "" : `+ ${row.generated} generated`;
  const longest = row.longest.lines === 0 ? "" : `${row.longest.lines} ${row.longest.file}`;
  return `${name.padEnd(24)} ${String(row.files).padStart(5)} ${String(row.lines).padStart(7)}  ${generated.padEnd(18)} ${longest}`;
}

const out = [`${"folder".padEnd(24)} files   lines  ${"".padEnd(18)} longest file`];
for (const part of PARTS) {
  const groups = folders(part);
  out.push(line(part.toUpperCase(), rowOf(part, [...groups.values()].flat())));
  if (groups.size > 1) for (const [folder, files] of groups) out.push(line(`  ${folder}`, rowOf(folder, files)));
}
process.stdout.write(`${out.join("\n")}\n`);
