import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { answer } from "../../fixtures/e2e/in-process.ts";

// Commander wraps help to the terminal's width.
beforeEach(() => {
  vi.stubEnv("COLUMNS", "80");
  vi.stubEnv("NO_COLOR", "1");
});

describe("help", () => {
  it.each([
    ["espalier", ["--help"]],
    ["deploy", ["deploy", "--help"]],
    ["inspect", ["inspect", "--help"]],
    ["groups", ["groups", "--help"]],
    ["prune", ["prune", "--help"]],
    ["sparsify", ["sparsify", "--help"]],
    ["convert", ["convert", "--help"]],
    ["train", ["train", "--help"]],
    ["finetune", ["finetune", "--help"]],
    ["evaluate", ["evaluate", "--help"]],
    ["targets", ["targets"]],
    ["profiles", ["profiles"]],
  ])("of %s reads as recorded", async (name, args) => {
    const { code, stdout, stderr } = await answer(args);
    expect([code, stderr]).toEqual([0, ""]);
    await expect(stdout).toMatchFileSnapshot(`../../golden/cli/${name}.txt`);
  });

  it.each([
    ["deploy", 12],
    ["inspect", 4],
    ["groups", 5],
    ["prune", 25],
    ["sparsify", 13],
    ["convert", 7],
    ["train", 24],
    ["finetune", 25],
    ["evaluate", 5],
  ])("names every flag of %s in the documentation", async (command, least) => {
    const { stdout } = await answer([command, "--help"]);
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag!);
    expect(flags.length).toBeGreaterThan(least);
    const docs = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
    const section = docs.slice(docs.indexOf(`## espalier ${command}\n`)).split(/\n(?=## )/)[0]!;
    for (const flag of flags) expect(section, flag).toContain(`\`${flag}`);
  });
});

describe("the version", () => {
  it("is package.json's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await answer(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("a command line that is not understood", () => {
  it.each([
    [["deplyo"], "unknown command 'deplyo'", "(Did you mean deploy?)"],
    [["deploy", "--taget", "mcu"], "unknown option '--taget'", "(Did you mean --target?)"],
    [["deploy"], "--target is missing", "Known: cpu, ampere, npu, mcu."],
    [["deploy", "--target"], "option '--target <name>' argument missing", "--help"],
    [["deploy", "--target", "mcu", "model.onnx"], "too many arguments", "--help"],
    [["targets", "--jsn"], "unknown option '--jsn'", "(Did you mean --json?)"],
  ])("%j: exit code 1, an error and what to do", async (args, fact, remedy) => {
    const { code, stdout, stderr } = await answer(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`error: ${fact}`);
    expect(stderr).toContain(remedy);
  });

  it("prints the help on standard error when no command is given", async () => {
    const { code, stdout, stderr } = await answer([]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("Usage: espalier");
  });
});

describe("lists as JSON", () => {
  it("parse, and name what the tables name", async () => {
    for (const list of ["targets", "profiles"]) {
      const rows = JSON.parse((await answer([list, "--json"])).stdout) as { name: string }[];
      const table = (await answer([list])).stdout.trimEnd().split("\n");
      expect(table.map((line) => line.split(/\s+/)[0])).toEqual(rows.map(({ name }) => name));
    }
  });
});
