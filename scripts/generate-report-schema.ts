// Writes src/report/schema.json from the zod schema: npx tsx scripts/generate-report-schema.ts
import { writeFileSync } from "node:fs";
import { reportJsonSchema } from "../src/report/json-schema.ts";

writeFileSync(new URL("../src/report/schema.json", import.meta.url), reportJsonSchema());
