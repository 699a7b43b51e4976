import { describe, expect, it } from "vitest";
import { filesOf, read } from "./repository.ts";

interface Package {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}
interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly resolved?: string;
}

const manifest = JSON.parse(read("package.json")) as Package;
const lock = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
const index = read("docs/decisions/README.md");

describe("dependencies", () => {
  it("are pinned exactly", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-alpha\.\d+)?$/.test(version))).toEqual([]);
  });

  it("each have a decision that names them", () => {
    const pages = filesOf("docs/decisions", ".md").map((file) => read(file));
    const missing = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(
      (name) => !pages.some((page) => page.includes(name)),
    );
    expect(missing).toEqual([]);
  });

  it("have their pages in the index", () => {
    const pages = filesOf("docs/decisions", ".md").map((file) => file.slice("docs/decisions/".length));
    expect(pages.filter((page) => page !== "README.md" && !index.includes(`](${page})`))).toEqual([]);
  });

  it("are locked without download addresses", () => {
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});

/** The one exception: sharp's prebuilt libvips, used as a shared library (docs/decisions/sharp.md). */
const isLibvips = (path: string) => /^node_modules\/@img\/sharp-/.test(path);
const PERMISSIVE = /^\(?(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|CC0-1\.0|BlueOak-1\.0\.0)$/;

function isPermissive(licence: string): boolean {
  const choices = licence.replace(/[()]/g, "").split(" OR ");
  return choices.some((choice) => choice.split(" AND ").every((part) => PERMISSIVE.test(part)));
}

describe("licences", () => {
  it("of all that the product installs are permissive, but for libvips", () => {
    const others = packages
      .filter(([path, { dev, license }]) => dev !== true && !isLibvips(path) && !isPermissive(license ?? "none"))
      .map(([path, { license }]) => `${path}: ${license ?? "none"}`);
    expect(others).toEqual([]);
  });

  it("of development tools are those, or MPL-2.0 of lightningcss", () => {
    const others = packages
      .filter(
        ([path, { dev, license }]) => dev === true && !isPermissive(license ?? "none") && !/lightningcss/.test(path),
      )
      // A tool's builds for other platforms are listed without metadata; the tool itself, of the same licence, is judged.
      .filter(([, { license, optional, os }]) => license !== undefined || optional !== true || os === undefined)
      .map(([path, { license }]) => `${path}: ${license ?? "none"}`);
    expect(others).toEqual([]);
  });

  it.each([
    ["MIT", true],
    ["(Apache-2.0 AND BSD-3-Clause)", true],
    ["(MIT OR CC0-1.0)", true],
    ["GPL-3.0-only OR MIT", true],
    ["LGPL-3.0-or-later", false],
    ["Apache-2.0 AND LGPL-3.0-or-later", false],
    ["none", false],
  ])("%s is permissive: %s", (licence, expected) => {
    expect(isPermissive(licence)).toBe(expected);
  });
});

describe("the package", () => {
  it("has its version in the change log", () => {
    expect(read("CHANGELOG.md")).toContain(`\n## ${manifest.version}\n`);
  });

  it("ships what the built program reads at run time", () => {
    expect(manifest.files).toEqual(expect.arrayContaining(["dist", "models", "data", "hardware-profiles"]));
    expect(manifest.bin.espalier).toBe("dist/pipeline/cli/main.js");
  });
});
