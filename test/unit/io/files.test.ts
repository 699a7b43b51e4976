import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  hashJson,
  readInputFile,
  readModelFile,
  removeStaleTemporaries,
  sha256,
  sha256File,
  stableJson,
  writeFileAtomic,
  writeFileInFolder,
} from "../../../src/io/index.ts";
import { scratchFolders } from "./scratch-folder.ts";

const scratch = scratchFolders();

describe("readModelFile", () => {
  it("returns the bytes", async () => {
    const path = join(scratch(), "m.onnx");
    writeFileSync(path, Uint8Array.of(1, 2, 3));
    expect(await readModelFile(path)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("refuses what is missing, a folder, empty or too large, with the path and a remedy", async () => {
    const folder = scratch();
    const path = join(folder, "m.onnx");
    await expect(readModelFile(path)).rejects.toMatchObject({
      code: "input",
      message: "The model file does not exist",
      where: path,
      hint: "Check the path given with --model.",
    });
    await expect(readModelFile(join(path, "below"))).rejects.toThrow("does not exist");
    await expect(readModelFile(folder)).rejects.toMatchObject({ code: "input", where: folder });
    writeFileSync(path, "");
    await expect(readModelFile(path)).rejects.toThrow("is empty (0 bytes)");
    expect(await readInputFile(path, { allowEmpty: true })).toEqual(new Uint8Array());
    writeFileSync(path, "12345");
    await expect(readModelFile(path, { maxBytes: 4 })).rejects.toThrow("has 5 bytes, at most 4 are accepted");
    await expect(readModelFile("a\0b")).rejects.toMatchObject({ code: "usage" });
    await expect(readModelFile("/dev/null")).rejects.toThrow("not a regular file");
  });

  it("does not wait for a pipe that nobody writes to", async () => {
    const path = join(scratch(), "pipe");
    execFileSync("mkfifo", [path]);
    await expect(readModelFile(path)).rejects.toThrow("not a regular file");
  });
});

describe("writeFileAtomic", () => {
  it("creates and replaces, leaving no temporary", async () => {
    const folder = scratch();
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, "two");
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(readdirSync(folder)).toEqual(["a.txt"]);
  });

  it("leaves everything as it was when it fails", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "taken"));
    writeFileSync(join(folder, "taken", "x"), "x");
    await expect(writeFileAtomic(join(folder, "taken"), "new")).rejects.toMatchObject({ name: "EspalierError" });
    expect(readdirSync(folder)).toEqual(["taken"]);
    expect(readdirSync(join(folder, "taken"))).toEqual(["x"]);
    await expect(writeFileAtomic(join(folder, "no/a"), "new")).rejects.toMatchObject({ name: "EspalierError" });
    await writeFileInFolder(join(folder, "no/a"), "new");
    expect(readFileSync(join(folder, "no/a"), "utf8")).toBe("new");
  });

  it("replaces a link instead of writing through it, and takes long names", async () => {
    const folder = scratch();
    const victim = join(scratch(), "victim");
    writeFileSync(victim, "safe");
    symlinkSync(victim, join(folder, "a"));
    await writeFileAtomic(join(folder, "a"), "new");
    expect(readFileSync(victim, "utf8")).toBe("safe");
    await writeFileAtomic(join(folder, "ß".repeat(127)), "long");
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("removes temporaries of ended processes only", async () => {
    const folder = scratch();
    const ended = Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));
    const names = [`.a.${ended}.0123abcd.tmp`, `.b.${process.ppid}.0123abcd.tmp`, `.c.${process.pid}.0123abcd.tmp`];
    for (const name of [...names, "d.tmp", ".e"]) writeFileSync(join(folder, name), "x");
    // The third has our number but was not named by us: it is of an earlier process with the same number.
    expect(await removeStaleTemporaries(folder)).toEqual([names[0], names[2]].sort());
    expect(readdirSync(folder).sort()).toEqual([names[1], ".e", "d.tmp"].sort());
    expect(await removeStaleTemporaries(folder, { alone: true })).toEqual([names[1]]);
    expect(await removeStaleTemporaries(join(folder, "missing"))).toEqual([]);
  });
});

describe("hashes and stable JSON", () => {
  it("hashes as the standard says", async () => {
    // FIPS 180-2, appendix B.1.
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const path = join(scratch(), "abc");
    writeFileSync(path, "abc");
    expect(sha256("abc")).toBe(abc);
    expect(sha256(new TextEncoder().encode("abc"))).toBe(abc);
    expect(await sha256File(path)).toBe(abc);
    await expect(sha256File(`${path}x`)).rejects.toMatchObject({ code: "input" });
  });

  it("does not see the order of keys, and sees everything else", () => {
    expect(stableJson({ b: [1, { d: 1, c: null }], a: "x", u: undefined })).toBe('{"a":"x","b":[1,{"c":null,"d":1}]}');
    expect(hashJson({ a: 1, b: 2 })).toBe(hashJson({ b: 2, a: 1 }));
    expect(hashJson([1, 2])).not.toBe(hashJson([2, 1]));
    expect(stableJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}');
  });

  it.each([
    ["NaN", { a: Number.NaN }, "$.a is NaN"],
    ["infinity", [Number.POSITIVE_INFINITY], "$[0] is Infinity"],
    ["a typed array", { a: new Float32Array(2) }, "$.a is a Float32Array"],
    ["a map", new Map(), "$ is a Map"],
    ["a date", { a: [new Date(0)] }, "$.a[0] is a Date"],
    ["a bigint", { a: 1n }, "$.a is of type bigint"],
    ["an undefined item", [undefined], "$[0] is of type undefined"],
  ])("refuses %s", (_, value, message) => {
    expect(() => stableJson(value)).toThrow(message);
  });
});
