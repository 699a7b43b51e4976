import { unzipSync } from "fflate";
import { EspalierError } from "../diagnostics/index.ts";

/** Most bytes that the arrays of an archive may take together. */
const MAX_BYTES = 1 << 30;
/** Deflate cannot shrink by more than about 1032 to 1 (zlib, "Maximum Compression Factor"). */
const MAX_DEFLATE_RATIO = 1032;

/** The entries of a `.npz` archive (a zip of .npy files) by name without ending. Refuses one that claims more than it can hold. */
export function unpackNpz(file: Uint8Array, where: string): Map<string, Uint8Array> {
  let claimed = 0;
  try {
    const entries = unzipSync(file, {
      filter: ({ name, size, originalSize }) => {
        if (!name.endsWith(".npy")) return false;
        claimed += originalSize;
        if (claimed > MAX_BYTES || originalSize > size * MAX_DEFLATE_RATIO + 64)
          throw new EspalierError("input", `"${name}" claims ${originalSize} bytes from ${size}`, {
            where,
            hint: "The archive is damaged, or made to exhaust memory.",
          });
        return true;
      },
    });
    return new Map(Object.entries(entries).map(([name, bytes]) => [name.slice(0, -".npy".length), bytes]));
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    throw new EspalierError("input", `The archive cannot be read: ${(error as Error).message}`, {
      where,
      hint: "Save it with numpy.savez, and copy it whole.",
      cause: error,
    });
  }
}
