import { inflateRawSync } from "node:zlib";
import { EspalierError } from "../../../diagnostics/index.ts";

/** Signatures of the records (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). */
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record has 22 bytes and at most this much comment behind it. */
const MAX_COMMENT = 0xffff;

/**
 * A file in the ZIP archive that stands at the end of `bytes`, or null when there is no archive or no such file. Offsets may count from
 * the start of `bytes` or of the archive. Throws EspalierError "input" when the file is damaged or larger than `limit`.
 */
export function fileInZip(bytes: Uint8Array, name: string, limit: number): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endRecord(view);
  if (end < 0) return null;
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const stated = view.getUint32(end + 16, true);
  let at = end - size;
  if (at < 0) throw damaged(`a directory of ${size} bytes before byte ${end}`);
  const shift = at - stated;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw damaged(`no entry ${i} at byte ${at}`);
    const nameBytes = view.getUint16(at + 28, true);
    const title = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    if (title === name) return contents(bytes, view, at, shift, limit);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return null;
}

function endRecord(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - MAX_COMMENT; at--)
    if (view.getUint32(at, true) === END) return at;
  return -1;
}

function contents(bytes: Uint8Array, view: DataView, entry: number, shift: number, limit: number): Uint8Array {
  const method = view.getUint16(entry + 10, true);
  const packed = view.getUint32(entry + 20, true);
  const size = view.getUint32(entry + 24, true);
  const at = view.getUint32(entry + 42, true) + shift;
  if (size > limit) throw damaged(`a file of ${size} bytes, at most ${limit} are read`);
  if (at < 0 || at + 30 > bytes.length || view.getUint32(at, true) !== LOCAL) throw damaged(`no file at byte ${at}`);
  const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + packed > bytes.length) throw damaged(`${packed} bytes at ${from} of ${bytes.length}`);
  const data = bytes.subarray(from, from + packed);
  if (method === 0) return data;
  if (method !== 8) throw damaged(`compression method ${method}`);
  try {
    return inflateRawSync(data, { maxOutputLength: limit });
  } catch (cause) {
    throw damaged(
      `compressed data that do not unpack (${cause instanceof Error ? cause.message : String(cause)})`,
      cause,
    );
  }
}

function damaged(what: string, cause?: unknown): EspalierError {
  return new EspalierError("input", `The archive behind the model has ${what}`, cause === undefined ? {} : { cause });
}
