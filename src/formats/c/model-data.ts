import { checkIdentifier, guard } from "./identifier.ts";

/** A C++ source and its header, as text. */
export interface CSource {
  /** Text of <name>.cc. */
  readonly cc: string;
  /** Text of <name>.h. */
  readonly h: string;
}

const BYTES_A_LINE = 16;

/**
 * A model as C++: `const unsigned char <name>[]`, aligned to 16 bytes as TFLM wants (its flatbuffer is read in place), and
 * `const unsigned int <name>_len`; the header is <name>.h. `const` at file level keeps it in flash.
 */
export function modelDataSource(bytes: Uint8Array, name: string): CSource {
  const id = checkIdentifier(name);
  const include = guard(id);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const row = Array.from(bytes.subarray(at, at + BYTES_A_LINE), (byte) => `0x${byte.toString(16).padStart(2, "0")}`);
    lines.push(`    ${row.join(", ")},`);
  }
  const h = `#ifndef ${include}
#define ${include}

// The .tflite file, ${bytes.length} bytes, aligned to 16.
extern const unsigned char ${id}[];
extern const unsigned int ${id}_len;

#endif  // ${include}
`;
  const cc = `#include "${id}.h"

alignas(16) const unsigned char ${id}[] = {
${lines.join("\n")}
};
const unsigned int ${id}_len = ${bytes.length};
`;
  return { cc, h };
}
