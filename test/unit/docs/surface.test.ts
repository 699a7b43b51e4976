import { describe, expect, it } from "vitest";
import * as espalier from "../../../src/index.ts";
import { filesOf, read } from "./repository.ts";

const surface = read("src/index.ts").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");

/** Names that src/index.ts re-exports, as their modules call them, with the folder that they come from. */
const exported = [...surface.matchAll(/export (?:type )?\{([^}]*)\} from "\.\/(\w+)\//g)].flatMap(([, names, folder]) =>
  names!
    .split(",")
    .map(
      (name) =>
        name
          .trim()
          .replace(/^type /, "")
          .split(" as ")[0]!,
    )
    .filter((name) => name !== "")
    .map((name) => ({ name, folder: folder! })),
);

/** Whether a declaration of the name stands right below a comment of contract; null when there is none at all. */
function hasContract(name: string, folder: string): boolean | null {
  const declaration = new RegExp(`^export (?:async )?(?:function\\*?|const|class|interface|type) ${name}\\b`);
  let found: boolean | null = null;
  for (const file of filesOf(`src/${folder}`, ".ts")) {
    const lines = read(file).split("\n");
    lines.forEach((line, i) => {
      if (declaration.test(line)) found = found === true || /\*\/\s*$/.test(lines[i - 1] ?? "");
    });
  }
  return found;
}

describe("the public surface", () => {
  it("re-exports and does nothing else", () => {
    expect(surface.replace(/export (?:type )?\{[^}]*\} from "[^"]+";/g, "").trim()).toBe("");
  });

  it("loads, with every part of the way", () => {
    const steps = [
      "readOnnx",
      "runPasses",
      "findGroups",
      "cutGraph",
      "train",
      "quantizeGraph",
      "emitTflite",
      "loadLiteRt",
    ];
    const more = ["openOrt", "planArena", "solveBudget", "buildReport", "newBuilder", "loadProfile", "EspalierError"];
    expect([...steps, ...more].filter((name) => !(name in espalier))).toEqual([]);
    expect(Object.entries(espalier).filter(([, value]) => value === undefined)).toEqual([]);
  });

  it("has a contract over every export where it is declared", () => {
    expect(exported.length).toBeGreaterThan(150);
    const bare = exported.filter(({ name, folder }) => hasContract(name, folder) !== true);
    expect(bare).toEqual([]);
  });

  it("would see an export without one", () => {
    expect(hasContract("lowestOf", "tensor")).toBeNull();
  });
});
