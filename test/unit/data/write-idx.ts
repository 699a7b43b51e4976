import { gzipSync } from "node:zlib";

/** An IDX file of unsigned bytes. */
export function idx(dims: readonly number[], data: ArrayLike<number>, type = 0x08): Uint8Array {
  const out = Buffer.alloc(4 + 4 * dims.length + data.length);
  out[2] = type;
  out[3] = dims.length;
  dims.forEach((dim, i) => void out.writeUInt32BE(dim, 4 + 4 * i));
  out.set(Uint8Array.from(data), 4 + 4 * dims.length);
  return new Uint8Array(out);
}

export const zipped = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
