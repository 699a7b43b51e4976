import fs, { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openRunDirectory } from "../../../src/io/index.ts";
import { contentsOf, scratchFolders } from "./scratch-folder.ts";

const scratch = scratchFolders();
const bytes = (text: string) => new TextEncoder().encode(text);

/** A stage that counts how often it is computed. */
function counted(files: Record<string, string>, json: unknown) {
  const compute = async () => {
    compute.calls++;
    return { files: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, bytes(text)])), json };
  };
  compute.calls = 0;
  return compute;
}

describe("openRunDirectory", () => {
  it("computes once and reuses across openings, with equal results", async () => {
    const folder = join(scratch(), "new/run");
    const compute = counted({ "a.bin": "A", "deep/empty.bin": "" }, { b: 1, a: [null], gone: undefined });
    const run = await openRunDirectory(folder);
    const first = await run.stage("import", "h1", compute);
    const again = await run.stage("import", "h1", compute);
    await run.close();
    const reopened = await openRunDirectory(folder);
    const later = await reopened.stage("import", "h1", compute);
    await reopened.close();
    expect(compute.calls).toBe(1);
    expect(first).toMatchObject({ reused: false, reason: "not computed yet" });
    expect(later).toMatchObject({ reused: true, reason: null });
    expect(later.files).toEqual(first.files);
    expect(later.json).toStrictEqual(first.json);
    expect(again.json).toStrictEqual(first.json);
  });

  it("computes again when the inputs change, and drops the old files", async () => {
    const folder = scratch();
    const run = await openRunDirectory(folder);
    await run.stage("import", "h1", counted({ "old.bin": "A" }, 1));
    const second = await run.stage("import", "h2", counted({ "new.bin": "B" }, 2));
    await run.close();
    expect(second).toMatchObject({ reused: false, reason: "its inputs changed", json: 2 });
    expect(Object.keys(contentsOf(join(folder, "stages")))).toEqual(["import.json", "import/new.bin"]);
  });

  it.each([
    ["a changed file", "a.bin was changed", (s: string) => writeFileSync(join(s, "import/a.bin"), "B")],
    ["a longer file", "a.bin is missing or was changed", (s: string) => writeFileSync(join(s, "import/a.bin"), "AA")],
    ["a removed file", "a.bin is missing or was changed", (s: string) => rmSync(join(s, "import/a.bin"))],
    [
      "a removed folder",
      "a.bin is missing or was changed",
      (s: string) => rmSync(join(s, "import"), { recursive: true }),
    ],
    ["an edited record", "its record was changed", (s: string) => edit(s, '"accuracy": 0.5', '"accuracy": 0.9')],
    ["an edited input hash", "its record was changed", (s: string) => edit(s, '"h0"', '"h1"')],
    ["a truncated record", "its record is damaged", (s: string) => edit(s, /}\s*$/, "")],
    [
      "another version",
      "its record is damaged or from another version",
      (s: string) => edit(s, '"version": 1', '"version": 0'),
    ],
    ["a removed record", "not computed yet", (s: string) => rmSync(join(s, "import.json"))],
  ])("finds %s and computes again", async (_, reason, damage) => {
    const folder = scratch();
    const first = await openRunDirectory(folder);
    const oldHash = reason === "its record was changed" && _.includes("hash") ? "h0" : "h1";
    await first.stage("import", oldHash, counted({ "a.bin": "A" }, { accuracy: 0.5 }));
    await first.close();
    const whole = contentsOf(folder);
    damage(join(folder, "stages"));
    const run = await openRunDirectory(folder);
    const compute = counted({ "a.bin": "A" }, { accuracy: 0.5 });
    expect(await run.stage("import", "h1", compute)).toMatchObject({ reused: false, reason });
    expect(await run.stage("import", "h1", compute)).toMatchObject({ reused: true });
    await run.close();
    expect(compute.calls).toBe(1);
    if (oldHash === "h1") expect(stagesOf(contentsOf(folder))).toEqual(stagesOf(whole));
  });

  it("keeps timings apart: records hold nothing that differs from run to run", async () => {
    const [a, b] = [scratch(), scratch()];
    for (const folder of [a, b]) {
      const run = await openRunDirectory(folder);
      await run.stage("import", "h1", async () => {
        await new Promise((wake) => setTimeout(wake, folder === a ? 1 : 30));
        return { files: { "a.bin": bytes("A") }, json: { z: 1, a: 2 } };
      });
      expect((await run.timings()).import).toBeGreaterThanOrEqual(folder === a ? 0 : 25);
      await run.close();
    }
    expect(stagesOf(contentsOf(a))).toEqual(stagesOf(contentsOf(b)));
    expect(Object.keys(contentsOf(a))).toEqual([
      "espalier-run.json",
      "stages/import.json",
      "stages/import/a.bin",
      "timings.json",
    ]);
  });

  it("a stage that throws leaves the earlier result", async () => {
    const folder = scratch();
    const run = await openRunDirectory(folder);
    await run.stage("import", "h1", counted({ "a.bin": "A" }, 1));
    const before = contentsOf(folder);
    await expect(run.stage("import", "h2", () => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
    await expect(run.stage("import", "h2", async () => ({ files: {}, json: { a: Number.NaN } }))).rejects.toThrow(
      "$.a is NaN",
    );
    await expect(run.stage("import", "h2", async () => ({ files: { "../a": bytes("") }, json: 1 }))).rejects.toThrow(
      "leaves the folder",
    );
    expect(contentsOf(folder)).toEqual(before);
    await run.close();
  });

  it("writes artifacts whole, below the folder only", async () => {
    const folder = scratch();
    const run = await openRunDirectory(folder);
    const path = await run.write("out/report.html", "<p>");
    expect(readFileSync(path, "utf8")).toBe("<p>");
    await expect(run.write("../x", "")).rejects.toThrow("leaves the folder");
    await run.close();
    await run.close();
    await expect(run.write("x", "")).rejects.toThrow("closed");
  });

  it("refuses a file and a folder with other things in it", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "thesis.tex"), "x");
    await expect(openRunDirectory(folder)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining('it holds "thesis.tex"'),
    });
    await expect(openRunDirectory(join(folder, "thesis.tex"))).rejects.toThrow("is a file");
    expect(Object.keys(contentsOf(folder))).toEqual(["thesis.tex"]);
  });
});

describe("a stop at any file operation of a commit", () => {
  const real = { ...fs.promises };
  afterEach(() => restore());

  const restore = () => {
    Object.assign(fs.promises, real);
    syncBuiltinESMExports();
  };

  /** From the n-th operation on nothing reaches the disk any more, clean-up included: what is there is what SIGKILL leaves. */
  const dieAt = (n: number) => {
    let count = 0;
    for (const name of ["open", "mkdir", "rename", "rm", "writeFile"] as const) {
      const original = real[name] as (...args: unknown[]) => Promise<unknown>;
      const wrapped = async (...args: unknown[]) => {
        if (++count >= n) throw new Error("killed");
        return original(...args);
      };
      Object.assign(fs.promises, { [name]: wrapped });
    }
    syncBuiltinESMExports();
    return () => count;
  };

  it("leaves the old result, the new one, or none; the next run ends in the same bytes", async () => {
    const expected = scratch();
    const clean = await openRunDirectory(expected);
    const next = counted({ "a.bin": "new", "deep/b.bin": "B" }, { value: 2 });
    await clean.stage("import", "h2", next);
    await clean.close();

    const outcomes = new Set<string>();
    let operations = 0;
    for (let n = 1; ; n++) {
      const folder = scratch();
      const run = await openRunDirectory(folder);
      await run.stage("import", "h1", counted({ "a.bin": "old", "c.bin": "C" }, { value: 1 }));
      const count = dieAt(n);
      const died = await run.stage("import", "h2", next).then(
        () => false,
        () => true,
      );
      operations = count();
      restore();
      await run.close();
      if (!died) break;

      const again = await openRunDirectory(folder);
      const old = counted({ "a.bin": "old", "c.bin": "C" }, { value: 1 });
      // Asking for the old inputs first would overwrite the state, so every other round asks for the new ones.
      const result = n % 2 === 0 ? await again.stage("import", "h1", old) : await again.stage("import", "h2", next);
      outcomes.add(result.reason ?? "reused");
      expect(new TextDecoder().decode(result.files["a.bin"])).toBe(n % 2 === 0 ? "old" : "new");
      await again.stage("import", "h2", next);
      await again.close();
      expect(stagesOf(contentsOf(folder))).toEqual(stagesOf(contentsOf(expected)));
      expect(n).toBeLessThan(100);
    }
    expect(operations).toBeGreaterThan(10);
    expect([...outcomes].sort()).toEqual(["its inputs changed", "not computed yet", "reused"]);
  });
});

function edit(stages: string, from: string | RegExp, to: string): void {
  const path = join(stages, "import.json");
  const before = readFileSync(path, "utf8");
  const after = before.replace(from, to);
  if (after === before) throw new Error(`nothing to edit in ${before}`);
  writeFileSync(path, after);
}

function stagesOf(contents: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(contents).filter(([path]) => path.startsWith("stages/")));
}

describe("left-overs", () => {
  it("are cleared when a run starts", async () => {
    const folder = scratch();
    await (await openRunDirectory(folder)).close();
    mkdirSync(join(folder, "stages", `.import.${process.ppid}.0123abcd.tmp`));
    writeFileSync(join(folder, `.report.html.${process.pid}.0123abcd.tmp`), "half");
    await (await openRunDirectory(folder)).close();
    expect(Object.keys(contentsOf(folder))).toEqual(["espalier-run.json"]);
    expect(fs.readdirSync(join(folder, "stages"))).toEqual([]);
  });
});
