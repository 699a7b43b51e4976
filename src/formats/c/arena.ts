import { EspalierError } from "../../diagnostics/index.ts";
import { checkIdentifier, guard, pascal } from "./identifier.ts";

/**
 * A header with the arena's size. It is rounded up to 16, and the array must be `alignas(16)`: TFLM loses up to 15 bytes
 * at each end otherwise. `name` (default "model") gives kModelArenaBytes; `provenance` says where the number comes from
 * ("simulated for TFLM 90b983c2b, CMSIS-NN, Cortex-M4").
 */
export function arenaHeader(bytes: number, name = "model", provenance = ""): string {
  const id = checkIdentifier(name);
  if (!Number.isInteger(bytes) || bytes <= 0)
    throw new EspalierError("usage", `An arena needs a positive whole number of bytes, got ${bytes}`);
  const rounded = Math.ceil(bytes / 16) * 16;
  const include = guard(id, "arena");
  const origin = provenance.replace(/[\r\n]+/g, " ").replaceAll("\\", "/");
  return `#ifndef ${include}
#define ${include}

#include <cstddef>

// Bytes of the tensor arena${origin === "" ? "" : `: ${origin}`}.
// Use: alignas(16) static unsigned char arena[k${pascal(id)}ArenaBytes];
constexpr std::size_t k${pascal(id)}ArenaBytes = ${rounded};

#endif  // ${include}
`;
}
