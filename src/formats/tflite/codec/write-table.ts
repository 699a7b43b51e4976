import { Builder } from "flatbuffers";
import { EspalierError, invariant } from "../../../diagnostics/index.ts";
import type { WireRecord, WireScalar, WireSchema, WireValue } from "./field.ts";
import { type ElementSpec, type FieldSpec, SCALAR_BYTES, type ScalarKind } from "./field.ts";

interface Writer {
  readonly schema: WireSchema;
  readonly builder: Builder;
}

/**
 * Writes plain data as a flatbuffer with `root` at its root. The same data gives the same bytes. Missing scalars take the
 * schema's default; a field that the schema does not have is an internal error, so that a misspelt option cannot be lost.
 * `expected`: bytes to begin with; the memory doubles whenever they do not suffice.
 */
export function writeFlatbuffer(
  schema: WireSchema,
  root: string,
  record: WireRecord,
  identifier: string,
  expected = 1024,
): Uint8Array {
  const builder = new Builder(expected);
  const offset = writeTable({ schema, builder }, root, record);
  builder.finish(offset, identifier);
  const bytes = builder.asUint8Array();
  // A view where nearly all of the memory is the file's: a large file is not copied once more.
  return bytes.byteLength > 0.9 * bytes.buffer.byteLength ? bytes : bytes.slice();
}

function writeTable(writer: Writer, table: string, record: WireRecord): number {
  const { builder } = writer;
  const fields = writer.schema.tables[table];
  invariant(fields !== undefined, `the schema has no table ${table}`);
  const names = new Set(fields.map((field) => field.name));
  for (const name of Object.keys(record)) {
    invariant(names.has(name) || name === "type", `${table} has no field ${name}`);
  }
  const offsets = new Map<FieldSpec, number>();
  for (const field of fields) {
    const value = record[field.name];
    if (field.kind !== "scalar" && value !== undefined) offsets.set(field, writeReference(writer, field, value));
  }
  builder.startObject(1 + Math.max(-1, ...fields.map((field) => field.slot)));
  // Wide fields first: less padding, and the order that flatc's own builders use.
  for (const field of [...fields].sort((a, b) => inlineBytes(b) - inlineBytes(a))) {
    const value = record[field.name];
    if (value === undefined) continue;
    if (field.kind === "scalar") {
      const stored = field.enum === undefined ? value : enumNumber(writer, field.enum, value);
      if (stored !== field.default) {
        SCALAR_WRITERS[field.scalar](builder, stored as WireScalar);
        builder.slot(field.slot);
      }
      continue;
    }
    builder.addFieldOffset(field.slot, offsets.get(field)!, 0);
    if (field.kind === "union") builder.addFieldInt8(field.slot - 1, unionMember(writer, field.union, value), 0);
  }
  return builder.endObject();
}

function inlineBytes(field: FieldSpec): number {
  return field.kind === "scalar" ? SCALAR_BYTES[field.scalar] : 4;
}

function writeReference(writer: Writer, field: FieldSpec, value: WireValue): number {
  switch (field.kind) {
    case "string":
      return writer.builder.createString(value as string);
    case "table":
      return writeTable(writer, field.table, value as WireRecord);
    case "union":
      return writeTable(writer, (value as WireRecord).type as string, value as WireRecord);
    case "vector":
      return writeVector(writer, field.of, field.align ?? 1, value);
    case "scalar":
      throw new EspalierError("internal", `internal: ${field.name} is a scalar, not a reference`);
  }
}

function writeVector(writer: Writer, of: ElementSpec, align: number, value: WireValue): number {
  const { builder } = writer;
  if (value instanceof Uint8Array) return writeBytes(builder, value, align);
  const items = value as readonly (WireScalar | WireRecord)[];
  if (of.kind === "scalar") {
    const size = SCALAR_BYTES[of.scalar];
    builder.startVector(size, items.length, Math.max(size, align));
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i] as WireScalar;
      SCALAR_WRITERS[of.scalar](builder, of.enum === undefined ? item : enumNumber(writer, of.enum, item));
    }
    return builder.endVector();
  }
  const offsets = items.map((item) =>
    of.kind === "string" ? builder.createString(item as string) : writeTable(writer, of.table, item as WireRecord),
  );
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]!);
  return builder.endVector();
}

/** A byte vector whose first byte has the given alignment: `prep` pads, after which createByteVector has nothing to pad. */
function writeBytes(builder: Builder, bytes: Uint8Array, align: number): number {
  builder.prep(align, bytes.length);
  return builder.createByteVector(bytes);
}

const SCALAR_WRITERS: Readonly<Record<ScalarKind, (builder: Builder, value: WireScalar) => void>> = {
  bool: (builder, value) => builder.addInt8(value ? 1 : 0),
  int8: (builder, value) => builder.addInt8(Number(value)),
  uint8: (builder, value) => builder.addInt8(Number(value)),
  int16: (builder, value) => builder.addInt16(Number(value)),
  uint16: (builder, value) => builder.addInt16(Number(value)),
  int32: (builder, value) => builder.addInt32(Number(value)),
  uint32: (builder, value) => builder.addInt32(Number(value)),
  int64: (builder, value) => builder.addInt64(BigInt.asIntN(64, BigInt(value))),
  uint64: (builder, value) => builder.addInt64(BigInt.asIntN(64, BigInt(value))),
  float32: (builder, value) => builder.addFloat32(Number(value)),
  float64: (builder, value) => builder.addFloat64(Number(value)),
};

function enumNumber(writer: Writer, name: string, value: WireValue): number {
  const number = writer.schema.enums[name]?.[value as string];
  invariant(number !== undefined, `${name} has no value ${String(value)}`);
  return number;
}

function unionMember(writer: Writer, union: string, value: WireValue): number {
  const type = (value as WireRecord).type as string;
  const member = writer.schema.unions[union]?.indexOf(type) ?? -1;
  invariant(member > 0, `${union} has no member ${type}`);
  return member;
}
