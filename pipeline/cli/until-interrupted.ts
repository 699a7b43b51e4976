const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Exit code of a program that Ctrl-C ended (128 + SIGINT). */
const INTERRUPTED = 130;

/** A terminal signals every process of its group, and npm and tsx pass it on besides: what follows within this time is the same Ctrl-C. */
const SAME_MS = 1000;

/**
 * Runs something that a first Ctrl-C (or SIGTERM) asks to stop through the signal, and a second one ends at once. Answers null when it was stopped: what it
 * throws after that is how it says so.
 */
export async function untilInterrupted<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  const controller = new AbortController();
  let first = 0;
  const stop = () => {
    if (!controller.signal.aborted) first = performance.now();
    else if (performance.now() - first > SAME_MS) process.exit(INTERRUPTED);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await run(controller.signal);
  } catch (error) {
    if (controller.signal.aborted && isCancelled(error)) return null;
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** Whether an error is what a run says when its signal stopped it, and no failure of another kind. */
function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Training was cancelled");
}
