import { describe, expect, it } from "vitest";
import { SECTIONS } from "../../../bench/criteria/settings.ts";
import { CRITERIA } from "../../../src/prune/index.ts";
import { read, tableAfter } from "./repository.ts";

const page = read("docs/CRITERIA.md");
const names = Object.keys(CRITERIA)
  .map((name) => `\`${name}\``)
  .sort();
const firstColumn = (text: string, heading: string) =>
  tableAfter(text, heading)
    .map(([name]) => name)
    .sort();

describe("criteria in the documents", () => {
  it("docs/CRITERIA.md has a measured row for each", () => {
    expect(firstColumn(page, "<!-- table: criteria -->")).toEqual(names);
    expect(tableAfter(page, "<!-- table: criteria -->").filter((row) => row.includes("-"))).toEqual([]);
  });

  it("docs/pruning.md has the formula of each", () => {
    expect(firstColumn(read("docs/pruning.md"), "## Criteria")).toEqual(names);
  });

  it("docs/CRITERIA.md names the command that makes its tables, and what it can be asked for", () => {
    expect(page).toContain("npm run bench -- criteria");
    expect(SECTIONS.filter((section) => !page.includes(`\`${section}\``))).toEqual([]);
  });
});
