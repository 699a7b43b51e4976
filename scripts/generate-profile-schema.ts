import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { profileJsonSchema } from "../src/cost/profile/json-schema.ts";

// Rewrites hardware-profiles/schema.json from the zod schema: npx tsx scripts/generate-profile-schema.ts
const target = join(dirname(fileURLToPath(import.meta.url)), "..", "hardware-profiles", "schema.json");
writeFileSync(target, profileJsonSchema());
process.stdout.write(`${target}\n`);
