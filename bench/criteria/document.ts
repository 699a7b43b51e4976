import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EspalierError } from "../../src/diagnostics/index.ts";

const PAGE = fileURLToPath(new URL("../../docs/CRITERIA.md", import.meta.url));

/** Puts each table between its marks in docs/CRITERIA.md. */
export function writeTables(tables: ReadonlyMap<string, string>): void {
  let page = readFileSync(PAGE, "utf8");
  for (const [name, table] of tables) {
    const [open, close] = [`<!-- table: ${name} -->\n`, "<!-- end of table -->"];
    const start = page.indexOf(open);
    const end = page.indexOf(close, start);
    if (start < 0 || end < 0)
      throw new EspalierError("input", `docs/CRITERIA.md has no place for the table "${name}"`, {
        hint: `Marks: ${open.trim()} and ${close}`,
      });
    page = `${page.slice(0, start + open.length)}\n${table}\n\n${page.slice(end)}`;
  }
  writeFileSync(PAGE, page);
}
