import * as z from "zod";
import { Report } from "./schema.ts";

/** The text of src/report/schema.json: the report's shape as JSON Schema (draft 2020-12), for readers in other languages. */
export function reportJsonSchema(): string {
  const schema = z.toJSONSchema(Report, { target: "draft-2020-12" });
  return `${JSON.stringify({ title: "Espalier compliance report, version 1", ...schema }, null, 2)}\n`;
}
