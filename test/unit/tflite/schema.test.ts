import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SCHEMA_SHA256, tfliteSchema } from "../../../src/formats/tflite/codec/generated/schema.ts";
import { BuiltinOperator } from "../../../src/formats/tflite/codec/index.ts";

const source = new URL("../../../src/formats/tflite/codec/schema.fbs", import.meta.url);

describe("the generated schema", () => {
  it("was printed from schema.fbs as it is", () => {
    const hash = createHash("sha256").update(readFileSync(source)).digest("hex");
    expect(hash, "run npx tsx scripts/generate-tflite.ts").toBe(SCHEMA_SHA256);
  });

  it("has the slots and codes of the published format", () => {
    // Fixed points of the format that every converter and runtime agrees on.
    expect(BuiltinOperator).toMatchObject({ ADD: 0, CONV_2D: 3, CUSTOM: 32, QUANTIZE: 114, GELU: 150 });
    const slots = Object.fromEntries(tfliteSchema.tables.Operator!.map((field) => [field.name, field.slot]));
    expect(slots).toMatchObject({ opcodeIndex: 0, inputs: 1, outputs: 2, builtinOptions: 4, customOptions: 5 });
    expect(tfliteSchema.unions.BuiltinOptions!.slice(0, 3)).toEqual([
      "NONE",
      "Conv2DOptions",
      "DepthwiseConv2DOptions",
    ]);
  });

  it("names only tables, unions and enumerations that it has", () => {
    for (const [table, fields] of Object.entries(tfliteSchema.tables)) {
      for (const field of fields) {
        const of = field.kind === "vector" ? field.of : field;
        if (of.kind === "table") expect(tfliteSchema.tables, table).toHaveProperty(of.table);
        if (of.kind === "union") expect(tfliteSchema.unions, table).toHaveProperty(of.union);
        if (of.kind === "scalar" && of.enum !== undefined) expect(tfliteSchema.enums, table).toHaveProperty(of.enum);
      }
    }
    for (const member of Object.values(tfliteSchema.unions).flatMap((members) => members.slice(1))) {
      expect(tfliteSchema.tables).toHaveProperty(member);
    }
  });
});
