import { EspalierError } from "../../src/diagnostics/index.ts";

/** A regular file inside an archive; `bytes` is a view of the archive. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
/** No collection of models has more files. */
const MAX_ENTRIES = 100_000;

/** The text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The number in an octal field; NaN for anything else. */
function octal(bytes: Uint8Array): number {
  const digits = text(bytes).trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** The sum of a header's bytes with the checksum's own eight taken as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return sum;
}

/** The path in a pax extended header: records "<length> path=<value>\n". */
function paxPath(bytes: Uint8Array): string | null {
  return /^\d+ path=(.*)$/m.exec(new TextDecoder().decode(bytes))?.[1] ?? null;
}

/**
 * The regular files of a tar archive (POSIX ustar and pax, GNU long names). Names are only names: nothing is written
 * anywhere. Throws EspalierError "input" on a damaged archive.
 */
export function readTar(archive: Uint8Array, where: string): TarEntry[] {
  const entries: TarEntry[] = [];
  let longName: string | null = null;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = octal(header.subarray(124, 136));
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (
      octal(header.subarray(148, 156)) !== checksum(header) ||
      bytes.length !== size ||
      entries.length > MAX_ENTRIES
    ) {
      throw new EspalierError("input", `The archive is damaged at byte ${at}`, { where, hint: "Copy it again." });
    }
    const type = String.fromCharCode(header[156]!);
    const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
    const name: string = longName ?? `${prefix === "" ? "" : `${prefix}/`}${text(header.subarray(0, 100))}`;
    longName = type === "L" ? text(bytes) : type === "x" ? paxPath(bytes) : null;
    if (type === "0" || type === "\0") entries.push({ name, bytes });
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
  return entries;
}
