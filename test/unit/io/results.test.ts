import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openRunDirectory } from "../../../src/io/index.ts";
import { contentsOf, scratchFolders } from "./scratch-folder.ts";

const scratch = scratchFolders();

/** Files below a folder but for the run directory's own. */
function handedOver(folder: string): string[] {
  return Object.keys(contentsOf(folder)).filter((path) => !/^(\.lock|espalier-run\.json|timings\.json)$/.test(path));
}

describe("results of a run", () => {
  it("take the place of an earlier run's, and of nothing else", async () => {
    const folder = scratch();
    const run = await openRunDirectory(folder);
    const paths = await run.writeResults({ "old.bin": Uint8Array.of(1), "deep/report.json": "{}" });
    expect(paths.map((path) => readFileSync(path).length)).toEqual([1, 2]);
    writeFileSync(join(folder, "mine.txt"), "keep");
    await run.writeResults({ "new.bin": "2" });
    expect(handedOver(folder)).toEqual(["mine.txt", "new.bin", "results.json"]);
    await run.removeResults();
    expect(handedOver(folder)).toEqual(["mine.txt"]);
    await run.close();
    await expect(run.writeResults({})).rejects.toThrow("closed");
  });

  it("are only what the list names, and the list names nothing outside", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "run"));
    writeFileSync(join(folder, "precious.txt"), "keep");
    const run = await openRunDirectory(join(folder, "run"));
    writeFileSync(join(folder, "run", "results.json"), '{"files": ["../precious.txt"]}');
    await expect(run.removeResults()).rejects.toThrow("leaves the folder");
    writeFileSync(join(folder, "run", "results.json"), '{"files": 3');
    await run.removeResults();
    expect(readFileSync(join(folder, "precious.txt"), "utf8")).toBe("keep");
    await run.close();
  });
});
