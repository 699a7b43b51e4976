import { z } from "zod";
import { profileSchema } from "./schema.ts";

/** Text of hardware-profiles/schema.json: the JSON Schema of a resolved profile, with a final newline. The same text on every call. */
export function profileJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(profileSchema), null, 2)}\n`;
}
