import { checkShape, Report } from "./schema.ts";

/** report.json: keys in the order of the schema, whatever order they came in; rows of plain values on one line each. */
export function renderJson(report: Report): string {
  return stableJson(checkShape(Report, report, "report"));
}

const LINE_WIDTH = 160;

/** JSON text, indented by 2, where an object or array that holds no other and fits a line stays on one line. */
export function stableJson(value: unknown): string {
  return `${write(value, "")}\n`;
}

function write(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return scalar(value);
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  const entries: [string, unknown][] = isArray
    ? value.map((item) => ["", item])
    : Object.entries(value).filter(([, item]) => item !== undefined);
  const [open, close] = isArray ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return open + close;
  if (entries.every(([, item]) => typeof item !== "object" || item === null)) {
    const parts = entries.map(([key, item]) => (isArray ? scalar(item) : `${JSON.stringify(key)}: ${scalar(item)}`));
    const line = isArray ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
    if (indent.length + line.length <= LINE_WIDTH) return line;
  }
  const parts = entries.map(([key, item]) => inner + (isArray ? "" : `${JSON.stringify(key)}: `) + write(item, inner));
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

function scalar(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
