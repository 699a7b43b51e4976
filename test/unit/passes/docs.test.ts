import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { renderPassDocs } from "../../../scripts/generate-pass-docs.ts";

it("docs/passes.md is what its generator writes (npx tsx scripts/generate-pass-docs.ts)", () => {
  expect(readFileSync(new URL("../../../docs/passes.md", import.meta.url), "utf8")).toBe(renderPassDocs());
});
