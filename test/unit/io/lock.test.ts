import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openRunDirectory, takeLock } from "../../../src/io/index.ts";
import { processIdentity } from "../../../src/io/process-identity.ts";
import { contentsOf, scratchFolders } from "./scratch-folder.ts";

const scratch = scratchFolders();
const script = fileURLToPath(new URL("../../fixtures/io/run-in-child.ts", import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  until(text: string): Promise<void>;
}

function startChild(folder: string, mode: "hang" | "finish"): Child {
  const child = spawn(process.execPath, ["--import", "tsx", script, folder, mode], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece: Buffer) => {
      text += piece.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const until = (wanted: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => text.includes(wanted) && resolve();
      listeners.add(look);
      look();
      ended.then(() => reject(new Error(`ended before "${wanted}": ${text}`)));
    });
  return { process: child, output: () => text, ended, until };
}

describe("a run that is killed", () => {
  it("resumes after SIGKILL in the middle of a stage, with the bytes of an undisturbed run", async () => {
    const folder = scratch();
    const undisturbed = scratch();
    const other = startChild(undisturbed, "finish");
    const victim = startChild(folder, "hang");
    await victim.until("inside second");
    await expect(openRunDirectory(folder)).rejects.toMatchObject({
      code: "usage",
      message: `The run directory is in use by process ${victim.process.pid}`,
    });
    victim.process.kill("SIGKILL");
    expect(await victim.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(existsSync(join(folder, ".lock"))).toBe(true);

    const resumed = startChild(folder, "finish");
    expect(await resumed.ended).toEqual({ code: 0, signal: null });
    expect(resumed.output()).toBe("first reused\ninside second\nsecond computed\n");
    expect(await other.ended).toEqual({ code: 0, signal: null });
    const [a, b] = [contentsOf(folder), contentsOf(undisturbed)].map(({ "timings.json": _, ...rest }) => rest);
    expect(a).toEqual(b);
    expect(Object.keys(a!)).toContain("stages/second/deep/c.bin");
  }, 60_000);

  it("leaves no lock and no temporary after Ctrl-C", async () => {
    const folder = scratch();
    const child = startChild(folder, "hang");
    await child.until("inside second");
    child.process.kill("SIGINT");
    expect(await child.ended).toEqual({ code: null, signal: "SIGINT" });
    expect(readdirSync(folder).sort()).toEqual(["espalier-run.json", "stages", "timings.json"]);
    expect(readdirSync(join(folder, "stages")).sort()).toEqual(["first", "first.json"]);
  }, 60_000);
});

describe("takeLock", () => {
  const lockFile = () => join(scratch(), ".lock");

  it("refuses a second holder, and lets the next in after release", async () => {
    const path = lockFile();
    const first = await takeLock(path);
    await expect(takeLock(path)).rejects.toThrow(`in use by process ${process.pid}`);
    await first.verify();
    await first.release();
    expect(existsSync(path)).toBe(false);
    await (await takeLock(path)).release();
  });

  it("sees a process number that was given out anew", async () => {
    const path = lockFile();
    const start = processIdentity().start;
    // Only where the system tells when a process started can it be told from a later one of the same number.
    expect(start === null).toBe(process.platform !== "linux");
    writeFileSync(path, JSON.stringify({ ...processIdentity(), start: "earlier/1", token: "x" }));
    if (start === null) await expect(takeLock(path)).rejects.toThrow("in use");
    else await (await takeLock(path)).release();
  });

  it("cannot judge a process of another machine, and says how to go on", async () => {
    const path = lockFile();
    writeFileSync(path, JSON.stringify({ pid: 1, start: null, host: "elsewhere", token: "x" }));
    await expect(takeLock(path)).rejects.toMatchObject({
      message: "The run directory is in use by process 1 on elsewhere",
      hint: "If that run has ended, delete the lock file.",
    });
  });

  it("takes an unreadable lock for abandoned only when it is old", async () => {
    const path = lockFile();
    writeFileSync(path, "{");
    await expect(takeLock(path)).rejects.toThrow("an unknown process");
    utimesSync(path, 1, 1);
    await (await takeLock(path)).release();
  });

  it("gives a stale lock to exactly one of many", async () => {
    const path = lockFile();
    writeFileSync(path, JSON.stringify({ ...processIdentity(), pid: 2 ** 22 + 1, token: "x" }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
    const winners = results.filter((result) => result.status === "fulfilled");
    expect(winners).toHaveLength(1);
    await winners[0]!.value.verify();
    expect(readdirSync(join(path, ".."))).toEqual([".lock"]);
  });

  it("notices that it lost the lock, and leaves the new holder's alone", async () => {
    const path = lockFile();
    const lock = await takeLock(path);
    const content = JSON.stringify({ ...processIdentity(), token: "other" });
    writeFileSync(path, content);
    await expect(lock.verify()).rejects.toMatchObject({ code: "runtime" });
    await lock.release();
    expect(readFileSync(path, "utf8")).toBe(content);
  });
});
