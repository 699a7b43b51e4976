import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects garbage now. Node counts the memory of typed arrays, but not that of native and WebAssembly runtimes: without
 * this, the bytes and graphs of a large model would still be there when a runtime takes several times their size.
 */
export function releaseMemory(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
