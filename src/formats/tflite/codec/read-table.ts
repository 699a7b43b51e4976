import { EspalierError } from "../../../diagnostics/index.ts";
import type { WireRecord, WireScalar, WireSchema, WireValue } from "./field.ts";
import { type ElementSpec, type FieldSpec, SCALAR_BYTES, type ScalarKind } from "./field.ts";

/** Deepest nesting of tables, as in flatbuffers' own verifier. */
const MAX_DEPTH = 64;
/** Offsets may be shared, so a small file can describe a huge tree; a decoded file may be this many times its size. */
const MAX_EXPANSION = 32;

interface Wire {
  readonly schema: WireSchema;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  budget: number;
}

const text = new TextDecoder("utf-8", { ignoreBOM: true });
const namesByNumber = new WeakMap<object, ReadonlyMap<number, string>>();

/**
 * Reads the root table of a flatbuffer into plain data, checking every offset and size against the file before use.
 * Byte vectors are views into `bytes`. Throws EspalierError "input" on anything malformed, "unsupported" on an
 * enumeration value or union member that the schema does not know.
 */
export function readFlatbuffer(
  schema: WireSchema,
  root: string,
  bytes: Uint8Array,
  identifier: string | null,
): WireRecord {
  if (bytes.length < 8) throw malformed(0, `The file has ${bytes.length} bytes, a flatbuffer has at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A Buffer's subarrays would be Buffers too, whose slice() does not copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wire: Wire = { schema, bytes: plain, view, budget: 1024 + bytes.length * MAX_EXPANSION };
  const found = String.fromCharCode(...bytes.subarray(4, 8));
  if (identifier !== null && found !== identifier) {
    throw new EspalierError("input", `File identifier is ${JSON.stringify(found)}, expected "${identifier}"`, {
      hint: "Pass a .tflite file; other formats are recognised by their own extension.",
    });
  }
  return readTable(wire, root, follow(wire, 0), 0);
}

function readTable(wire: Wire, table: string, at: number, depth: number): WireRecord {
  if (depth > MAX_DEPTH) throw malformed(at, `Tables are nested more than ${MAX_DEPTH} deep`);
  need(wire, at, 4);
  const vtable = at - wire.view.getInt32(at, true);
  need(wire, vtable, 4);
  const vtableBytes = wire.view.getUint16(vtable, true);
  const tableBytes = wire.view.getUint16(vtable + 2, true);
  if (vtableBytes < 4 || vtableBytes % 2 !== 0)
    throw malformed(vtable, `The vtable of ${table} says ${vtableBytes} bytes`);
  need(wire, vtable, vtableBytes);
  need(wire, at, tableBytes);
  charge(wire, at, 16 + tableBytes);
  const slotAt = (slot: number, size: number): number => {
    const entry = 4 + 2 * slot;
    const offset = entry + 2 <= vtableBytes ? wire.view.getUint16(vtable + entry, true) : 0;
    if (offset === 0) return 0;
    if (offset < 4 || offset + size > tableBytes) throw malformed(at, `A field of ${table} lies outside its table`);
    return at + offset;
  };
  const record: Record<string, WireValue> = {};
  for (const field of wire.schema.tables[table] ?? []) {
    const value = readField(wire, field, slotAt, depth);
    if (value !== undefined) record[field.name] = value;
  }
  return record;
}

function readField(
  wire: Wire,
  field: FieldSpec,
  slotAt: (slot: number, size: number) => number,
  depth: number,
): WireValue | undefined {
  if (field.kind === "scalar") {
    const at = slotAt(field.slot, SCALAR_BYTES[field.scalar]);
    const value = at === 0 ? field.default : readScalar(wire, field.scalar, at);
    return field.enum === undefined ? value : enumName(wire, field.enum, Number(value), at);
  }
  const at = slotAt(field.slot, 4);
  if (field.kind === "union") {
    const typeAt = slotAt(field.slot - 1, 1);
    const member = typeAt === 0 ? 0 : wire.bytes[typeAt]!;
    if (member === 0 || at === 0) return undefined;
    const type = wire.schema.unions[field.union]?.[member];
    if (type === undefined) throw unknownValue(field.union, member, at);
    return { type, ...readTable(wire, type, follow(wire, at), depth + 1) };
  }
  if (at === 0) return undefined;
  const target = follow(wire, at);
  if (field.kind === "string") return readString(wire, target);
  if (field.kind === "table") return readTable(wire, field.table, target, depth + 1);
  return readVector(wire, field.of, target, depth);
}

function readVector(wire: Wire, of: ElementSpec, at: number, depth: number): WireValue {
  const size = of.kind === "scalar" ? SCALAR_BYTES[of.scalar] : 4;
  const length = vectorLength(wire, at, size);
  const first = at + 4;
  if (of.kind === "scalar" && of.scalar === "uint8") return wire.bytes.subarray(first, first + length);
  charge(wire, at, length * Math.max(size, 4));
  if (of.kind === "scalar") {
    return Array.from({ length }, (_, i): WireScalar => {
      const value = readScalar(wire, of.scalar, first + i * size);
      return of.enum === undefined ? value : enumName(wire, of.enum, Number(value), first + i * size);
    });
  }
  if (of.kind === "string") return Array.from({ length }, (_, i) => readString(wire, follow(wire, first + i * size)));
  return Array.from({ length }, (_, i) => readTable(wire, of.table, follow(wire, first + i * size), depth + 1));
}

function readString(wire: Wire, at: number): string {
  const length = vectorLength(wire, at, 1);
  charge(wire, at, length);
  return text.decode(wire.bytes.subarray(at + 4, at + 4 + length));
}

function vectorLength(wire: Wire, at: number, elementBytes: number): number {
  need(wire, at, 4);
  const length = wire.view.getUint32(at, true);
  need(wire, at + 4, length * elementBytes);
  return length;
}

function readScalar(wire: Wire, kind: ScalarKind, at: number): number | bigint | boolean {
  const { view } = wire;
  switch (kind) {
    case "bool":
      return view.getUint8(at) !== 0;
    case "int8":
      return view.getInt8(at);
    case "uint8":
      return view.getUint8(at);
    case "int16":
      return view.getInt16(at, true);
    case "uint16":
      return view.getUint16(at, true);
    case "int32":
      return view.getInt32(at, true);
    case "uint32":
      return view.getUint32(at, true);
    case "int64":
      return view.getBigInt64(at, true);
    case "uint64":
      return view.getBigUint64(at, true);
    case "float32":
      return view.getFloat32(at, true);
    case "float64":
      return view.getFloat64(at, true);
  }
}

function enumName(wire: Wire, name: string, value: number, at: number): string {
  const values = wire.schema.enums[name] ?? {};
  let names = namesByNumber.get(values);
  if (names === undefined) {
    names = new Map(Object.entries(values).map(([key, number]) => [number, key]));
    namesByNumber.set(values, names);
  }
  const found = names.get(value);
  if (found === undefined) throw unknownValue(name, value, at);
  return found;
}

/** The absolute position that the unsigned offset at `at` points to. */
function follow(wire: Wire, at: number): number {
  need(wire, at, 4);
  const offset = wire.view.getUint32(at, true);
  if (offset < 4) throw malformed(at, `An offset of ${offset} points into itself`);
  need(wire, at + offset, 4);
  return at + offset;
}

function need(wire: Wire, at: number, size: number): void {
  if (at < 0 || at + size > wire.bytes.length) {
    throw malformed(at, `${size} bytes at ${at} lie outside the file of ${wire.bytes.length} bytes`);
  }
}

function charge(wire: Wire, at: number, cost: number): void {
  wire.budget -= cost;
  if (wire.budget < 0) throw malformed(at, `The file unfolds to more than ${MAX_EXPANSION} times its size`);
}

function malformed(at: number, message: string): EspalierError {
  return new EspalierError("input", message, {
    where: `byte ${at}`,
    hint: "The file is damaged or cut short: fetch or export it again.",
  });
}

function unknownValue(name: string, value: number, at: number): EspalierError {
  return new EspalierError("unsupported", `${name} has no member ${value} in the schema that Espalier knows`, {
    where: `byte ${at}`,
    hint: "The file is damaged, or written by a newer converter.",
  });
}
