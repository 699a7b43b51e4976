import { describe, expect, it } from "vitest";
import * as espalier from "../../../src/index.ts";
import { filesOf, read } from "./repository.ts";

function code(file: string): string {
  return read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

const surface = code("src/index.ts");
const WHOLE = /export \* from "\.\/(\w+)\/index\.ts";/g;

/** Lists of names with the folder of src that they come from; a folder that is exported whole has them in its own index. */
function lists(): { names: string; folder: string }[] {
  const named = [...surface.matchAll(/export (?:type )?\{([^}]*)\} from "\.\/(\w+)\//g)];
  const whole = [...surface.matchAll(WHOLE)].flatMap(([, folder]) =>
    [...code(`src/${folder}/index.ts`).matchAll(/export (?:type )?\{([^}]*)\}/g)].map(([, names]) => ({
      names: names!,
      folder: folder!,
    })),
  );
  return [...named.map(([, names, folder]) => ({ names: names!, folder: folder! })), ...whole];
}

/** Names that src/index.ts re-exports, as their modules call them, with the folder that they come from. */
const exported = lists().flatMap(({ names, folder }) =>
  names
    .split(",")
    .map(
      (name) =>
        name
          .trim()
          .replace(/^type /, "")
          .split(" as ")[0]!,
    )
    .filter((name) => name !== "")
    .map((name) => ({ name, folder })),
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
    expect(
      surface
        .replace(/export (?:type )?\{[^}]*\} from "[^"]+";/g, "")
        .replace(WHOLE, "")
        .trim(),
    ).toBe("");
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
