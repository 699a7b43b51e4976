/** Prints a binary flatbuffers schema (.bfbs, written by flatc) as the TypeScript of src/formats/tflite/codec/generated/. */
import type { WireRecord, WireSchema } from "../src/formats/tflite/codec/field.ts";
import { readFlatbuffer } from "../src/formats/tflite/codec/read-table.ts";

export interface PrintedFile {
  readonly name: string;
  readonly text: string;
}

/** The part of flatbuffers' reflection.fbs that is needed here (slots from that file, which is itself a stable format). */
const string = { kind: "string" } as const;
const int = (slot: number, name: string, initial: number) =>
  ({ name, slot, kind: "scalar", scalar: "int32", default: initial }) as const;
const flag = (slot: number, name: string) => ({ name, slot, kind: "scalar", scalar: "bool", default: false }) as const;
const tables = (slot: number, name: string, table: string) =>
  ({ name, slot, kind: "vector", of: { kind: "table", table } }) as const;
const REFLECTION: WireSchema = {
  enums: {},
  unions: {},
  tables: {
    Schema: [tables(0, "objects", "Object"), tables(1, "enums", "Enum")],
    Object: [{ name: "name", slot: 0, ...string }, tables(1, "fields", "Field")],
    Enum: [
      { name: "name", slot: 0, ...string },
      tables(1, "values", "EnumVal"),
      flag(2, "isUnion"),
      { name: "underlyingType", slot: 3, kind: "table", table: "Type" },
    ],
    EnumVal: [
      { name: "name", slot: 0, ...string },
      { name: "value", slot: 1, kind: "scalar", scalar: "int64", default: 0n },
    ],
    Field: [
      { name: "name", slot: 0, ...string },
      { name: "type", slot: 1, kind: "table", table: "Type" },
      { name: "id", slot: 2, kind: "scalar", scalar: "uint16", default: 0 },
      { name: "defaultInteger", slot: 4, kind: "scalar", scalar: "int64", default: 0n },
      { name: "defaultReal", slot: 5, kind: "scalar", scalar: "float64", default: 0 },
      flag(6, "deprecated"),
      tables(9, "attributes", "KeyValue"),
    ],
    KeyValue: [
      { name: "key", slot: 0, ...string },
      { name: "value", slot: 1, ...string },
    ],
    Type: [
      { name: "baseType", slot: 0, kind: "scalar", scalar: "int8", default: 0 },
      { name: "element", slot: 1, kind: "scalar", scalar: "int8", default: 0 },
      int(2, "index", -1),
    ],
  },
};

/** reflection.fbs, enum BaseType. */
const SCALARS: Readonly<Record<number, string>> = {
  2: "bool",
  3: "int8",
  4: "uint8",
  5: "int16",
  6: "uint16",
  7: "int32",
  8: "uint32",
  9: "int64",
  10: "uint64",
  11: "float32",
  12: "float64",
};
const UNION_TYPE = 1;
const STRING = 13;
const VECTOR = 14;
const TABLE = 15;
const UNION = 16;

const HEADER = "// Generated from schema.fbs by scripts/generate-tflite.ts; do not edit.\n";

interface Named {
  readonly objects: readonly WireRecord[];
  readonly enums: readonly WireRecord[];
}

/**
 * The files of generated/, in a fixed order, from the bytes that `flatc --binary --schema` writes. The hash of schema.fbs is
 * printed with them, so that a test sees a forgotten run without having flatc.
 */
export function printSchema(bfbs: Uint8Array, schemaHash: string): PrintedFile[] {
  const schema = readFlatbuffer(REFLECTION, "Schema", bfbs, "BFBS");
  const named: Named = { objects: records(schema.objects), enums: records(schema.enums) };
  return [
    { name: "enums.ts", text: printEnums(named) },
    { name: "schema.ts", text: printTables(named, schemaHash) },
    { name: "types.ts", text: printTypes(named) },
  ];
}

function printEnums({ enums }: Named): string {
  const blocks = enums
    .filter((e) => !e.isUnion)
    .map((e) => {
      const name = shortName(e);
      const values = records(e.values).map((v) => `  ${v.name}: ${v.value},`);
      return `export const ${name} = {\n${values.join("\n")}\n} as const;\nexport type ${name} = keyof typeof ${name};\n`;
    });
  return `${HEADER}\n${blocks.join("\n")}`;
}

function printTables(named: Named, schemaHash: string): string {
  const enumNames = named.enums.filter((e) => !e.isUnion).map(shortName);
  const unions = named.enums
    .filter((e) => e.isUnion)
    .map(
      (e) =>
        `    ${shortName(e)}: [\n${records(e.values)
          .map((v) => `      "${v.name}",\n`)
          .join("")}    ],\n`,
    );
  const tableText = named.objects.map((object) => {
    const fields = fieldsOf(object).map((field) => `      ${printField(named, object, field)},\n`);
    return fields.length === 0
      ? `    ${shortName(object)}: [],\n`
      : `    ${shortName(object)}: [\n${fields.join("")}    ],\n`;
  });
  return `${HEADER}import type { WireSchema } from "../field.ts";
import * as enums from "./enums.ts";

/** SHA-256 of the schema.fbs that these tables were printed from. */
export const SCHEMA_SHA256 = "${schemaHash}";

export const tfliteSchema: WireSchema = {
  enums: {
${enumNames.map((name) => `    ${name}: enums.${name},\n`).join("")}  },
  unions: {
${unions.join("")}  },
  tables: {
${tableText.join("")}  },
};
`;
}

function printField(named: Named, object: WireRecord, field: WireRecord): string {
  const type = field.type as WireRecord;
  const start = `{ name: "${fieldName(named, object, field)}", slot: ${field.id}`;
  const base = Number(type.baseType);
  if (base === STRING) return `${start}, kind: "string" }`;
  if (base === TABLE) return `${start}, kind: "table", table: "${shortName(named.objects[Number(type.index)]!)}" }`;
  if (base === UNION) return `${start}, kind: "union", union: "${shortName(named.enums[Number(type.index)]!)}" }`;
  if (base === VECTOR) {
    const align = records(field.attributes).find((a) => a.key === "force_align");
    return `${start}, kind: "vector", of: ${printElement(named, type)}${align ? `, align: ${align.value}` : ""} }`;
  }
  return `${start}, kind: "scalar", scalar: "${SCALARS[base]}"${enumOf(named, type)}, default: ${defaultOf(field)} }`;
}

function printElement(named: Named, type: WireRecord): string {
  const element = Number(type.element);
  if (element === STRING) return `{ kind: "string" }`;
  if (element === TABLE) return `{ kind: "table", table: "${shortName(named.objects[Number(type.index)]!)}" }`;
  return `{ kind: "scalar", scalar: "${SCALARS[element]}"${enumOf(named, type)} }`;
}

function enumOf(named: Named, type: WireRecord): string {
  return Number(type.index) < 0 ? "" : `, enum: "${shortName(named.enums[Number(type.index)]!)}"`;
}

function defaultOf(field: WireRecord): string {
  const scalar = SCALARS[Number((field.type as WireRecord).baseType)] ?? "";
  if (scalar === "bool") return String(field.defaultInteger !== 0n);
  if (scalar.startsWith("float")) return String(field.defaultReal);
  return scalar.endsWith("int64") ? `${field.defaultInteger}n` : String(field.defaultInteger);
}

function printTypes(named: Named): string {
  const enumNames = named.enums.filter((e) => !e.isUnion).map(shortName);
  const tableText = named.objects.map((object) => {
    const fields = fieldsOf(object).map((field) => {
      const optional = SCALARS[Number((field.type as WireRecord).baseType)] === undefined;
      return `  readonly ${fieldName(named, object, field)}${optional ? "?" : ""}: ${tsType(named, field)};\n`;
    });
    return fields.length === 0
      ? `export type ${shortName(object)} = Readonly<Record<never, never>>;\n`
      : `export interface ${shortName(object)} {\n${fields.join("")}}\n`;
  });
  const unions = named.enums
    .filter((e) => e.isUnion)
    .map((e) => {
      const members = records(e.values).slice(1);
      const name = shortName(e);
      const map = members.map((m) => `  readonly ${m.name}: ${m.name};\n`).join("");
      return `export interface ${name}Members {\n${map}}
export type ${name} = { [T in keyof ${name}Members]: { readonly type: T } & ${name}Members[T] }[keyof ${name}Members];\n`;
    });
  return `${HEADER}import type {\n${[...enumNames]
    .sort()
    .map((n) => `  ${n},\n`)
    .join("")}} from "./enums.ts";

${tableText.join("\n")}
${unions.join("\n")}`;
}

function tsType(named: Named, field: WireRecord): string {
  const type = field.type as WireRecord;
  const base = Number(type.baseType);
  if (base !== VECTOR) return tsElement(named, type, base);
  if (SCALARS[Number(type.element)] === "uint8" && Number(type.index) < 0) return "Uint8Array";
  return `readonly ${tsElement(named, type, Number(type.element))}[]`;
}

function tsElement(named: Named, type: WireRecord, base: number): string {
  if (base === STRING) return "string";
  if (base === TABLE) return shortName(named.objects[Number(type.index)]!);
  if (base === UNION || Number(type.index) >= 0) return shortName(named.enums[Number(type.index)]!);
  const scalar = SCALARS[base] ?? "";
  return scalar === "bool" ? "boolean" : scalar.endsWith("int64") ? "bigint" : "number";
}

/** Live fields in slot order. The type byte of a union has the slot before it and needs no entry. */
function fieldsOf(object: WireRecord): WireRecord[] {
  return records(object.fields)
    .filter((field) => !field.deprecated && Number((field.type as WireRecord).baseType) !== UNION_TYPE)
    .sort((a, b) => Number(a.id) - Number(b.id));
}

/** camelCase; a field called "type" in a member of a union becomes "kind", since "type" there names the member. */
function fieldName(named: Named, object: WireRecord, field: WireRecord): string {
  const name = String(field.name).replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const member = named.enums.some((e) => e.isUnion && records(e.values).some((v) => v.name === shortName(object)));
  return name === "type" && member ? "kind" : name;
}

function shortName(record: WireRecord): string {
  return String(record.name).replace(/^tflite\./, "");
}

function records(value: unknown): readonly WireRecord[] {
  return (value ?? []) as readonly WireRecord[];
}
