import path from "node:path";
import { describe, expect, it } from "vitest";
import { documents, exists, filesOf, read } from "./repository.ts";

/** Targets of [text](target) that are files of the repository, seen from the document's folder. */
function linksOf(document: string): string[] {
  return [...read(document).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^(?:https?:|#)/.test(target))
    .map((target) => path.posix.join(path.posix.dirname(document), target.split("#")[0]!));
}

/** Paths in code marks that begin with a folder of the repository; those with a placeholder are patterns. */
function pathsOf(text: string): string[] {
  return [...text.matchAll(/`((?:src|targets|pipeline|scripts|test|bench|docs|hardware-profiles)\/[\w./-]*)`/g)].map(
    (match) => match[1]!,
  );
}

/** The picture is made from a run by hand; it need not be there for the documents to be true. */
const madeByHand = new Set(["docs/report.png"]);

describe.each(documents)("%s", (document) => {
  it("links to files that exist", () => {
    expect(linksOf(document).filter((file) => !exists(file) && !madeByHand.has(file))).toEqual([]);
  });

  it("names paths that exist", () => {
    expect(pathsOf(read(document)).filter((file) => !exists(file))).toEqual([]);
  });

  it("names npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it("names no path of one machine and no registry's host", () => {
    expect(read(document)).not.toMatch(/(?:^|[\s`(])\/(?:work|tmp|home|root)\/|registry\.npmjs/m);
  });
});

describe("sources", () => {
  const sources = ["src", "targets", "pipeline", "scripts"]
    .flatMap((folder) => filesOf(folder, ".ts"))
    .filter((file) => !file.includes("/generated/"));

  it("refer to documents that exist", () => {
    const lost = sources.flatMap((file) =>
      [...read(file).matchAll(/(?<!ONNX )\bdocs\/[\w/-]+\.md\b/g)]
        .filter(([document]) => !exists(document))
        .map(([document]) => `${file} refers to ${document}`),
    );
    expect(lost).toEqual([]);
  });

  it("have an npm script for each generator", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const commands = Object.values(scripts).join("\n");
    // generate-tflite-print.ts is the printing half of generate-tflite.ts.
    const generators = filesOf("scripts", ".ts").filter(
      (file) => /\/generate-/.test(file) && file !== "scripts/generate-tflite-print.ts",
    );
    expect(generators.length).toBeGreaterThan(5);
    expect(generators.filter((file) => !commands.includes(file))).toEqual([]);
  });
});

it("the checks see what they look for", () => {
  expect(linksOf("README.md")).toContain("docs/ARCHITECTURE.md");
  expect(pathsOf("as `src/ops/table.ts` says, not `src/<name>.ts`")).toEqual(["src/ops/table.ts"]);
});
