import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

interface Layer {
  readonly folders: readonly string[];
  /** Why nothing below may import these folders. */
  readonly because: string;
  /** Folders of one layer import each other only where this says so. */
  readonly within?: Readonly<Record<string, readonly string[]>>;
}

/** The layers of src, lowest first: a folder imports only folders of lower layers. */
const layers: readonly Layer[] = [
  {
    folders: ["diagnostics", "tensor", "io"],
    because: "they are the ground that all else stands on",
    within: { tensor: ["diagnostics"], io: ["diagnostics", "tensor"] },
  },
  { folders: ["ir"], because: "tensors, files and errors make sense without a graph" },
  { folders: ["ops"], because: "the IR knows no operator; it is told how to infer types" },
  { folders: ["rewrite", "architectures", "fold"], because: "an operator says what it is, not what others do with it" },
  {
    folders: ["formats", "passes", "data", "cost"],
    because: "each is a use of graphs or tensors of its own; joining them is the business of the layers above",
  },
  { folders: ["runtimes"], because: "reading, rewriting and costing a graph must work where no runtime is installed" },
  { folders: ["train"], because: "a runtime runs any graph, whatever it was made for" },
  { folders: ["prune", "quantize"], because: "training is the same for a model that is neither pruned nor quantised" },
  { folders: ["search"], because: "pruning and quantising do what they are told; search decides what that is" },
  { folders: ["report"], because: "what is decided must not depend on how it is shown" },
];

/** The parts of the repository, lowest first. */
const parts: Readonly<Record<string, { readonly imports: readonly string[]; readonly because: string }>> = {
  src: { imports: [], because: "the library knows no target, no pipeline and no terminal" },
  targets: { imports: ["src"], because: "a target states rules and settings; running them is the pipeline's business" },
  pipeline: { imports: ["src", "targets"], because: "the product needs neither its tests nor its scripts" },
};

interface SourceFile {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

function sourceFiles(folder: string): SourceFile[] {
  const entries = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.m?ts$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      path: path.relative(root, file).split(path.sep).join("/"),
      text: readFileSync(file, "utf8"),
    }));
}

/** The module specifiers that a file imports or re-exports, types included. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const forms = [
    /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\s*\(\s*["']([^"']+)["']/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!));
}

/** The repository files that a file imports. */
function targetsOf(file: SourceFile): string[] {
  return importsOf(file.text)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => path.posix.join(path.posix.dirname(file.path), specifier));
}

/** The sentence against an import, or null when it is allowed. */
function refusal(from: string, to: string, table: readonly Layer[]): string | null {
  const [fromPart, fromFolder] = from.split("/") as [string, string];
  const [toPart, toFolder] = to.split("/") as [string, string];
  if (fromPart !== toPart) {
    const part = parts[fromPart]!;
    return part.imports.includes(toPart) ? null : `${from} imports ${to}, but ${part.because}`;
  }
  if (fromPart !== "src" || fromFolder === toFolder || fromFolder === "index.ts") return null;
  const [own, other] = [fromFolder, toFolder].map((name) => table.findIndex((layer) => layer.folders.includes(name)));
  if (own! < 0) return `${from}: the folder "${fromFolder}" has no layer; give it one in test/architecture.test.ts`;
  if (other! < 0) return `${from} imports ${to}, which has no layer`;
  if (other! < own!) return null;
  const layer = table[own!]!;
  if (other === own)
    return layer.within?.[fromFolder]?.includes(toFolder)
      ? null
      : `${from} imports ${to}: folders of one layer stay apart, because ${layer.because}`;
  return `${from} imports ${to}: ${toFolder} lies above ${fromFolder}, because ${table[own! + 1]!.because}`;
}

function refusals(files: readonly SourceFile[], table: readonly Layer[]): string[] {
  return files.flatMap((file) => targetsOf(file).flatMap((to) => refusal(file.path, to, table) ?? []));
}

/** The text without its type-only imports and re-exports, which are gone when the code runs. */
function withoutTypes(file: SourceFile): SourceFile {
  return { ...file, text: file.text.replace(/^\s*(?:import|export)\s+type\b[^;"']*\bfrom\s*["'][^"']+["']/gm, "") };
}

/** The import cycles of the files, each as a path that comes back to its start; depth first, without recursion. */
function cycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(files.map((file) => [file.path, targetsOf(withoutTypes(file))]));
  const done = new Set<string>();
  const found: string[] = [];
  for (const start of edges.keys()) {
    const way: { readonly file: string; next: number }[] = done.has(start) ? [] : [{ file: start, next: 0 }];
    while (way.length > 0) {
      const top = way[way.length - 1]!;
      const to = edges.get(top.file)?.[top.next++];
      if (to === undefined) {
        done.add(top.file);
        way.pop();
        continue;
      }
      const back = way.findIndex((step) => step.file === to);
      if (back >= 0) found.push([...way.slice(back).map((step) => step.file), to].join(" -> "));
      else if (!done.has(to) && edges.has(to)) way.push({ file: to, next: 0 });
    }
  }
  return found;
}

const isGenerated = (file: SourceFile) => file.path.includes("/generated/");
const longest = 300;

function tooLong(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isGenerated(file))
    .map((file) => ({ file, lines: file.text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > longest)
    .map(({ file, lines }) => `${file.path} has ${lines} lines, at most ${longest} are allowed; split it by family`);
}

/** Index files of src that hold code: they re-export, and may list what the folder has in a table. */
function busyIndexes(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => /^src\/.*\/index\.ts$/.test(file.path))
    .filter((file) =>
      /\bfunction\b|\bclass\b|=>\s*[{(]|\breturn\b/.test(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")),
    )
    .map((file) => `${file.path} holds code; an index re-exports and lists`);
}

const files = Object.keys(parts).flatMap(sourceFiles);

describe("architecture", () => {
  it("finds the code and its imports", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(targetsOf).length).toBeGreaterThan(100);
    const known = new Set(files.map((file) => file.path));
    const lost = files.flatMap((file) => targetsOf(file).filter((to) => to.endsWith(".ts") && !known.has(to)));
    expect(lost).toEqual([]);
  });

  it("imports run one way", () => {
    expect(refusals(files, layers)).toEqual([]);
  });

  it("has no import cycle", () => {
    expect(cycles(files)).toEqual([]);
  });

  it(`keeps files at ${longest} lines or fewer`, () => {
    expect(tooLong(files)).toEqual([]);
  });

  it("has no drawer for odds and ends", () => {
    expect(
      files.map((file) => file.path).filter((name) => /\/(?:utils?|helpers?|common|misc)(?:\/|\.ts$)/.test(name)),
    ).toEqual([]);
  });

  it("keeps code out of folder indexes", () => {
    expect(busyIndexes(files)).toEqual([]);
  });

  it("writes relative imports with their ending", () => {
    const bare = files.flatMap((file) => targetsOf(file).filter((to) => !/\.(?:ts|json|mjs|cjs)$/.test(to)));
    expect(bare).toEqual([]);
  });
});

describe("the checks can fail", () => {
  const file = (name: string, ...imports: string[]): SourceFile => ({
    path: name,
    text: imports.map((specifier) => `import { x } from "${specifier}";`).join("\n"),
  });

  it("turned upside down, the table refuses the code as it is", () => {
    const upsideDown = [...layers].reverse();
    expect(refusals(files, upsideDown).length).toBeGreaterThan(50);
  });

  it.each([
    [
      "src/ir/graph.ts",
      "../ops/index.ts",
      "ops lies above ir, because the IR knows no operator; it is told how to infer types",
    ],
    ["src/passes/a.ts", "../formats/onnx/index.ts", "folders of one layer stay apart"],
    ["src/passes/a.ts", "../runtimes/onnxruntime.ts", "runtimes lies above passes"],
    ["src/diagnostics/error.ts", "../tensor/index.ts", "folders of one layer stay apart"],
    ["src/prune/cut.ts", "../../targets/mcu/index.ts", "the library knows no target"],
    ["src/io/write.ts", "../../pipeline/run.ts", "the library knows no target, no pipeline"],
    ["targets/mcu/index.ts", "../../pipeline/run.ts", "running them is the pipeline's business"],
    ["pipeline/run.ts", "../test/unit/x.ts", "needs neither its tests"],
    ["src/oddments/a.ts", "../ir/index.ts", 'the folder "oddments" has no layer'],
  ])("%s may not import %s", (from, to, reason) => {
    expect(refusals([file(from, to)], layers).join("\n")).toContain(reason);
  });

  it("sees every form of import", () => {
    const forms = [
      'import "./a.ts";',
      'export * from "./b.ts";',
      'import type { C } from "./c.ts";',
      'const d = await import("./d.ts");',
      'import {\n  e,\n} from "./e.ts";',
      '// import "./no.ts";',
    ];
    expect(importsOf(forms.join("\n")).sort()).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });

  it("sees a cycle, a long file and a busy index", () => {
    const ring = [file("src/ir/a.ts", "./b.ts"), file("src/ir/b.ts", "./c.ts"), file("src/ir/c.ts", "./a.ts")];
    expect(cycles(ring)).toEqual(["src/ir/a.ts -> src/ir/b.ts -> src/ir/c.ts -> src/ir/a.ts"]);
    const typed = ring.map((one) => ({ ...one, text: one.text.replace("import", "import type") }));
    expect(cycles(typed)).toEqual([]);
    expect(tooLong([{ path: "src/ir/a.ts", text: "x\n".repeat(301) }])).toHaveLength(1);
    expect(
      busyIndexes([{ path: "src/ir/index.ts", text: 'export { a } from "./a.ts";\nexport function b() {}\n' }]),
    ).toHaveLength(1);
  });
});
