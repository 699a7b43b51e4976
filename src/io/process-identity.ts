import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** A process, so that it can be told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and start time of the process where the system tells (Linux), otherwise null. */
  readonly start: string | null;
  readonly host: string;
}

/** The identity of a running process, by default this one. */
export function processIdentity(pid: number = process.pid): ProcessIdentity {
  return { pid, start: startOf(pid), host: hostname() };
}

/** Whether a process with this number runs on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether exactly this process still runs: "unknown" when it belongs to another machine. */
export function stillRuns(identity: ProcessIdentity): boolean | "unknown" {
  if (identity.host !== hostname()) return "unknown";
  if (!isAlive(identity.pid)) return false;
  const start = startOf(identity.pid);
  return identity.start === null || start === null || start === identity.start;
}

/** Boot id and field 22 of /proc/<pid>/stat (start time in clock ticks after boot; proc(5)), or null where there is none. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 2 is the command in parentheses and may itself hold spaces and parentheses; field 3 follows the last one.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? null : `${boot}/${ticks}`;
  } catch {
    return null;
  }
}
