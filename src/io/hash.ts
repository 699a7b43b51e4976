import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { systemError } from "./read.ts";
import { stableJson } from "./stable-json.ts";

/** SHA-256 of bytes, or of a text's UTF-8, as 64 lower-case hexadecimal digits. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 of a file, read in pieces. Throws EspalierError when it cannot be read. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  } catch (error) {
    throw systemError(error, path, "file");
  }
  return hash.digest("hex");
}

/** SHA-256 of a JSON value; the order of keys does not matter (see `stableJson` for what is refused). */
export function hashJson(value: unknown): string {
  return sha256(stableJson(value));
}
