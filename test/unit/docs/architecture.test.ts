import { describe, expect, it } from "vitest";
import { renderSupport } from "../../../scripts/generate-support.ts";
import { profileJsonSchema } from "../../../src/cost/profile/json-schema.ts";
import { OP_TYPES } from "../../../src/ops/index.ts";
import { filesOf, foldersOf, read, tableAfter } from "./repository.ts";

const page = read("docs/ARCHITECTURE.md");
const house = page.slice(page.indexOf("```\n") + 4, page.indexOf("\n```", page.indexOf("```\n") + 4));

/** Folders in the drawing of the house, with their parents: by indentation. */
function drawn(): string[] {
  let parent = "";
  return house.split("\n").flatMap((line) => {
    const indent = line.search(/\S/);
    const names = [...(line.trim().match(/^(?:[\w.-]+\/(?: {2})?)+/)?.[0] ?? "").matchAll(/([\w.-]+)\//g)];
    if (indent === 0) parent = names[0]?.[1] ?? "";
    return names.map(([, name]) => (indent === 0 ? name! : `${parent}/${name}`));
  });
}

describe("docs/ARCHITECTURE.md", () => {
  it("draws the folders that are there", () => {
    const tops = ["src", "targets", "pipeline", "hardware-profiles", "models", "data", "scripts", "bench", "test"];
    const below = ["src", "targets", "pipeline"].flatMap((top) => foldersOf(top).map((name) => `${top}/${name}`));
    expect(drawn().sort()).toEqual([...tops, "docs", ...below].sort());
  });

  it("has the layers that test/architecture.test.ts holds", () => {
    const test = read("test/architecture.test.ts");
    const table = test.slice(test.indexOf("const layers"), test.indexOf("/** The parts"));
    const held = [...table.matchAll(/folders: \[([^\]]*)\],[\s\S]*?because:\s*"([^"]*)"/g)].map((match) => [
      [...match[1]!.matchAll(/"([^"]+)"/g)].map((name) => name[1]).join(", "),
      match[2]!,
    ]);
    expect(held.length).toBeGreaterThan(8);
    expect(tableAfter(page, "### Layers")).toEqual(held);
  });

  it("has every stage", () => {
    const names = filesOf("pipeline/stages", ".ts").flatMap((file) =>
      [...read(file).matchAll(/name: ((?:"[a-z-]+"(?: \| )?)+)[,;]/g)].flatMap((match) => match[1]!.split(" | ")),
    );
    const stages = [...new Set(names.map((name) => name.slice(1, -1)))];
    expect(stages).toEqual(expect.arrayContaining(["baseline", "finetune", "sparse-tune", "verify"]));
    const rows = tableAfter(page, "## A deployment").map(([cell]) => cell!);
    expect(stages.filter((stage) => !rows.some((row) => row.startsWith(`\`${stage}\``)))).toEqual([]);
  });
});

describe("generated files are fresh", () => {
  it("docs/SUPPORT.md (npm run generate:support)", () => {
    expect(read("docs/SUPPORT.md")).toBe(renderSupport());
  });

  it("hardware-profiles/schema.json (npm run generate:profile-schema)", () => {
    expect(read("hardware-profiles/schema.json")).toBe(profileJsonSchema());
  });
});

describe("docs/SUPPORT.md", () => {
  const rows = new Map(tableAfter(renderSupport(), "| operator").map((row) => [row[0]!, row]));

  it("has every operator", () => {
    expect([...rows.keys()]).toEqual(OP_TYPES);
  });

  // [operator, kernel class, counts MACs, gradient, pruning, TFLite, int8, from TFLite]
  it.each([
    ["Conv", "conv", "yes", "yes", "follows", "yes", "yes", "yes"],
    ["Erf", "elementwise", "", "yes", "follows", "composed", "float", ""],
    ["Round", "elementwise", "", "zero", "follows", "yes", "float", "yes"],
    ["ArgMax", "reduce", "", "no", "follows", "yes", "float", "yes"],
    ["Dropout", "elementwise", "", "yes", "follows", "folded", "-", ""],
    ["RoiAlign", "reduce", "", "not yet", "follows", "no", "-", ""],
  ])("says what is known of %s", (...row) => {
    expect(rows.get(row[0]!)).toEqual(row);
  });
});
