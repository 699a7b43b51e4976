const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const cleanups = new Set<() => void>();

/**
 * Runs `cleanup` (synchronous, must not throw) if the process ends by a signal or `process.exit` before the returned function
 * is called. Handlers are installed only while something is registered. A program with signal handlers of its own keeps the
 * say over when it ends. SIGKILL cannot be caught: whoever registers must also survive being cut off.
 */
export function onInterrupt(cleanup: () => void): () => void {
  if (cleanups.size === 0) install();
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) uninstall();
  };
}

function install(): void {
  process.on("exit", runCleanups);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function uninstall(): void {
  process.off("exit", runCleanups);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  runCleanups();
  uninstall();
  // Nobody listens any more, so the signal has its default effect and the shell sees the right status.
  process.kill(process.pid, signal);
}

function runCleanups(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
}
