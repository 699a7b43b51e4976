/** Scalar types of the flatbuffers wire format (https://flatbuffers.dev, "Schema: types"). */
export type ScalarKind =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

/** Bytes of each scalar on the wire. */
export const SCALAR_BYTES: Readonly<Record<ScalarKind, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
};

/** What a vector holds. `enum` names the enumeration whose names stand for the numbers; `align` is the schema's force_align. */
export type ElementSpec =
  | { readonly kind: "scalar"; readonly scalar: ScalarKind; readonly enum?: string }
  | { readonly kind: "string" }
  | { readonly kind: "table"; readonly table: string };

/** One field of a table: its name in the plain data, its vtable slot, and how it lies on the wire. A union's type byte has slot - 1. */
export type FieldSpec = { readonly name: string; readonly slot: number } & (
  | {
      readonly kind: "scalar";
      readonly scalar: ScalarKind;
      readonly enum?: string;
      readonly default: number | bigint | boolean;
    }
  | { readonly kind: "string" }
  | { readonly kind: "table"; readonly table: string }
  | { readonly kind: "union"; readonly union: string }
  | { readonly kind: "vector"; readonly of: ElementSpec; readonly align?: number }
);

/** A schema as data: the fields of each table, the members of each union (member 0 is "NONE"), the values of each enumeration. */
export interface WireSchema {
  readonly tables: Readonly<Record<string, readonly FieldSpec[]>>;
  readonly unions: Readonly<Record<string, readonly string[]>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A decoded table: scalars always present (their default when absent on the wire), everything else only when present. */
export type WireRecord = { readonly [field: string]: WireValue | undefined };

export type WireScalar = number | bigint | boolean | string;
export type WireValue = WireScalar | Uint8Array | WireRecord | readonly WireScalar[] | readonly WireRecord[];
