import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../../pipeline/cli/program.ts";
import { CRITERIA } from "../../../src/prune/index.ts";
import { documents, filesOf, read } from "./repository.ts";

const program = buildProgram({ exitCode: 0 });
const page = read("docs/cli.md");

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long]));
}
const known = new Set([program, ...program.commands].flatMap(flagsOf));
known.add("--help");

/** Flags of other programs that documents mention. */
const foreign = new Set([
  ...["--sparsity", "--check", "--only", "--write", "--saved-model", "--output"],
  ...["--experimental-wasm-relaxed-simd", "--expose-gc", "--no-expose-gc", "--max-old-space-size"],
  ...["--count", "--seed", "--from", "--corpus", "--filter", "--timeout", "--fresh", "--seeds"], // of the scripts and benchmarks
]);

function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z-]+(?![\w-]|\.[a-z#])/g)].map(([flag]) => flag);
}

describe("docs/cli.md", () => {
  it("has every command", () => {
    const commands = program.commands.map((command) => command.name()).filter((name) => name !== "help");
    expect(commands).toEqual(expect.arrayContaining(["deploy", "targets", "profiles"]));
    expect(commands.filter((name) => !page.includes(`## espalier ${name}`))).toEqual([]);
  });

  it("has every flag of the program", () => {
    expect(known.size).toBeGreaterThan(15);
    expect([...known].filter((flag) => !page.includes(flag))).toEqual([]);
  });

  it("has every flag of deploy in a table row", () => {
    const deploy = program.commands.find((command) => command.name() === "deploy")!;
    expect(flagsOf(deploy).filter((flag) => !new RegExp(`^\\| \`${flag}[ \`]`, "m").test(page))).toEqual([]);
  });

  it("names every criterion", () => {
    expect(Object.keys(CRITERIA).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("flags that are named exist", () => {
  it.each(documents.filter((document) => !document.startsWith("docs/decisions/")))("in %s", (document) => {
    expect(flagsIn(read(document)).filter((flag) => !known.has(flag) && !foreign.has(flag))).toEqual([]);
  });

  it("in messages and hints of the product", () => {
    const lost = ["src", "pipeline", "targets"]
      .flatMap((folder) => filesOf(folder, ".ts"))
      .flatMap((file) =>
        flagsIn(read(file))
          .filter((flag) => !known.has(flag) && !foreign.has(flag))
          .map((flag) => `${file} names ${flag}`),
      );
    expect(lost).toEqual([]);
  });

  it("and the check sees one that does not", () => {
    expect(flagsIn("give --input x:1 or `--latency`, not a--b")).toEqual(["--input", "--latency"]);
  });
});
