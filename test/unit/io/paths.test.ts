import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { confine, isInside, listFolder } from "../../../src/io/index.ts";
import { scratchFolders } from "./scratch-folder.ts";

const scratch = scratchFolders();

describe("confine", () => {
  it.each([
    ["", "empty"],
    [".", "folder itself"],
    ["../a", "leaves"],
    ["a/../../b", "leaves"],
    ["a\\..\\..\\b", "leaves"],
    ["/etc/passwd", "absolute"],
    ["\\\\server\\share", "absolute"],
    ["C:\\a", "absolute"],
    ["C:a", "drive"],
    ["a\0b", "control"],
    ["a\nb", "control"],
  ])("refuses %j: %s", async (path, reason) => {
    await expect(confine(scratch(), path)).rejects.toMatchObject({
      name: "EspalierError",
      code: "input",
      message: expect.stringContaining(reason),
    });
  });

  it("resolves what exists and what does not exist yet", async () => {
    const root = realpathSync(scratch());
    mkdirSync(join(root, "a"));
    writeFileSync(join(root, "a/x"), "");
    expect(await confine(root, "a/x")).toBe(join(root, "a/x"));
    expect(await confine(root, "./a//new/deep")).toBe(join(root, "a/new/deep"));
    expect(await confine(root, "..a")).toBe(join(root, "..a"));
  });

  it("follows links inside and refuses links outside or to nothing, at any depth", async () => {
    const root = realpathSync(scratch());
    const outside = scratch();
    mkdirSync(join(root, "real"));
    symlinkSync("real", join(root, "alias"));
    symlinkSync(outside, join(root, "escape"));
    symlinkSync(join(outside, "nothing"), join(root, "dangling"));
    expect(await confine(root, "alias/x")).toBe(join(root, "real/x"));
    for (const path of ["escape", "escape/x", "alias/../escape/x", "dangling"]) {
      await expect(confine(root, path)).rejects.toMatchObject({ name: "EspalierError", code: "input" });
    }
  });

  it("knows inside from beside", () => {
    expect(isInside("/a/b", "/a/b/c")).toBe(true);
    expect(isInside("/a/b", "/a/b")).toBe(true);
    expect(isInside("/a/b", "/a/bc")).toBe(false);
    expect(isInside("/a/b", "/a")).toBe(false);
  });
});

describe("listFolder", () => {
  it("sorts by code unit, leaves hidden entries out and follows links to files inside", async () => {
    const root = scratch();
    for (const name of ["b", "B", "a", ".hidden"]) writeFileSync(join(root, name), "x");
    mkdirSync(join(root, "c"));
    symlinkSync(join(root, "a"), join(root, "d"));
    expect((await listFolder(root, root)).map((entry) => `${entry.name}:${entry.kind}`)).toEqual([
      "B:file",
      "a:file",
      "b:file",
      "c:folder",
      "d:file",
    ]);
  });

  it.each([
    ["outside the folder", (root: string) => symlinkSync(scratch(), join(root, "link"))],
    ["to a folder", (root: string) => symlinkSync(root, join(root, "link"))],
    ["to nothing", (root: string) => symlinkSync("nothing", join(root, "link"))],
  ])("refuses a link %s", async (text, make) => {
    const root = scratch();
    make(root);
    await expect(listFolder(root, root)).rejects.toMatchObject({
      code: "input",
      where: join(root, "link"),
      message: expect.stringContaining(text),
    });
  });

  it("says when the folder is missing or a file", async () => {
    const root = scratch();
    writeFileSync(join(root, "f"), "x");
    await expect(listFolder(join(root, "no"), join(root, "no"))).rejects.toThrow("does not exist");
    await expect(listFolder(join(root, "f"), join(root, "f"))).rejects.toThrow("this is a file");
  });
});
