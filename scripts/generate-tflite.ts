/**
 * Turns src/formats/tflite/codec/schema.fbs into src/formats/tflite/codec/generated/.
 * Needs flatc on the PATH (Debian: flatbuffers-compiler). flatc parses and checks the schema, assigns the vtable slots and
 * writes them as a binary schema; this script prints that as TypeScript.
 * Run: npx tsx scripts/generate-tflite.ts [--check]
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PrintedFile, printSchema } from "./generate-tflite-print.ts";

const codec = fileURLToPath(new URL("../src/formats/tflite/codec/", import.meta.url));

function compile(): Uint8Array {
  const out = mkdtempSync(join(tmpdir(), "flatc-"));
  try {
    execFileSync("flatc", ["--binary", "--schema", "--bfbs-builtins", "-o", out, join(codec, "schema.fbs")]);
    return readFileSync(join(out, "schema.bfbs"));
  } finally {
    rmSync(out, { recursive: true });
  }
}

function isFresh(file: PrintedFile): boolean {
  return readFileSync(join(codec, "generated", file.name), "utf8") === file.text;
}

const schemaHash = createHash("sha256")
  .update(readFileSync(join(codec, "schema.fbs")))
  .digest("hex");
const files = printSchema(compile(), schemaHash);
if (process.argv.includes("--check")) {
  const stale = files.filter((file) => !isFresh(file));
  for (const file of stale) console.error(`generated/${file.name} is stale: run npx tsx scripts/generate-tflite.ts`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(join(codec, "generated"), { recursive: true });
  for (const file of files) writeFileSync(join(codec, "generated", file.name), file.text);
  console.log(files.map((file) => `generated/${file.name}: ${file.text.length} bytes`).join("\n"));
}
