import { constants, gunzipSync, gzipSync } from "node:zlib";
import { EspalierError } from "../diagnostics/index.ts";

/** Deflate cannot shrink by more than about 1032 to 1 (zlib, "Maximum Compression Factor"). */
const MAX_DEFLATE_RATIO = 1032;

/** Whether the bytes start with gzip's magic number (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The first inflated bytes, from the first `compressedBytes` of the file: enough to read a header before allocating for the rest. */
export function gunzipHead(bytes: Uint8Array, compressedBytes = 512): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, compressedBytes), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw corrupt(error);
  }
}

/**
 * Inflates exactly `expected` bytes. The memory taken is bounded by `expected`, whatever the file would inflate to.
 * @throws EspalierError "input" when it is corrupt, truncated, or inflates to more or less, with both sizes.
 */
export function gunzipExactly(bytes: Uint8Array, expected: number): Uint8Array {
  if (expected > bytes.length * MAX_DEFLATE_RATIO) {
    throw new EspalierError(
      "input",
      `The header claims ${expected} bytes, but ${bytes.length} compressed bytes cannot inflate to more than ${bytes.length * MAX_DEFLATE_RATIO}`,
      { hint: "Download or export the file again." },
    );
  }
  // At least one byte, because zlib refuses a limit of 0.
  const limit = { maxOutputLength: Math.max(1, expected) };
  let inflated: Uint8Array;
  try {
    inflated = gunzipSync(bytes, limit);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "Z_BUF_ERROR") throw inflateError(error, expected);
    throw truncated(bytes, limit, expected);
  }
  if (inflated.length !== expected) {
    throw new EspalierError("input", `The header claims ${expected} bytes, the file inflates to ${inflated.length}`, {
      hint: "Download or export the file again.",
    });
  }
  return inflated;
}

/** The error for a stream without its end, with the number of bytes that are there. */
function truncated(bytes: Uint8Array, limit: { maxOutputLength: number }, expected: number): EspalierError {
  try {
    const got = gunzipSync(bytes, { ...limit, finishFlush: constants.Z_SYNC_FLUSH });
    return new EspalierError("input", `The file is truncated: ${got.length} bytes of ${expected}`, {
      hint: "Download or copy it again.",
    });
  } catch (error) {
    return inflateError(error, expected);
  }
}

function inflateError(error: unknown, expected: number): EspalierError {
  if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") return corrupt(error);
  return new EspalierError("input", `The header claims ${expected} bytes, but the file inflates to more`, {
    hint: "The file is damaged or made to exhaust memory; get it again from its source.",
  });
}

/** gzip without a time stamp or a name in its header and with a fixed operating-system byte: the same bytes each time. */
export function gzipDeterministic(bytes: Uint8Array): Uint8Array {
  const out = gzipSync(bytes, { level: 9 });
  out[9] = 0xff; // RFC 1952: 255 = unknown; zlib would write the host's.
  return out;
}

function corrupt(error: unknown): EspalierError {
  const message = error instanceof Error ? error.message : String(error);
  return new EspalierError("input", `The gzip stream is corrupt: ${message}`, {
    hint: "Download or copy the file again.",
    cause: error,
  });
}
