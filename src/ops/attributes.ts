import { EspalierError, suggestion } from "../diagnostics/index.ts";
import type { Attribute, Attributes } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** One attribute of an operator: its ONNX kind and its default (absent default: the attribute is required). */
export interface AttributeSpec<T> {
  readonly kind: "int" | "float" | "string" | "ints" | "floats" | "strings" | "tensor";
  readonly fallback?: T;
  /** Never read: carries the type. */
  readonly type?: T;
}

export const int = (fallback?: number): AttributeSpec<number> =>
  fallback === undefined ? { kind: "int" } : { kind: "int", fallback };
export const float = (fallback?: number): AttributeSpec<number> =>
  fallback === undefined ? { kind: "float" } : { kind: "float", fallback };
export const string = (fallback?: string): AttributeSpec<string> =>
  fallback === undefined ? { kind: "string" } : { kind: "string", fallback };
/** A list of integers; the default of most ONNX lists is "derive it", written as an empty list. */
export const ints = (fallback: readonly number[] = []): AttributeSpec<readonly number[]> => ({
  kind: "ints",
  fallback,
});
export const floats = (fallback: readonly number[] = []): AttributeSpec<readonly number[]> => ({
  kind: "floats",
  fallback,
});

export const strings = (fallback: readonly string[] = []): AttributeSpec<readonly string[]> => ({
  kind: "strings",
  fallback,
});
export const tensorValue = (fallback: Tensor): AttributeSpec<Tensor> => ({ kind: "tensor", fallback });

export type AttributeSpecs = Readonly<Record<string, AttributeSpec<never> | AttributeSpec<unknown>>>;

/** The attribute values that a set of declarations describes. */
export type AttributesOf<S> = { readonly [K in keyof S]: S[K] extends AttributeSpec<infer T> ? T : never };

function fits(kind: AttributeSpec<unknown>["kind"], value: Attribute): boolean {
  switch (kind) {
    case "int":
      return typeof value === "number" && Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "ints":
      return Array.isArray(value) && value.every((item) => Number.isInteger(item));
    case "floats":
      return Array.isArray(value) && value.every((item) => typeof item === "number");
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    default:
      return typeof value === "object" && !Array.isArray(value);
  }
}

/** The attributes with defaults filled in; refuses unknown names, wrong kinds and missing required ones. */
export function completeAttributes<S extends AttributeSpecs>(op: string, specs: S, given: Attributes): AttributesOf<S> {
  const complete: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(specs, name))
      throw new EspalierError("unsupported", `${op} has no attribute "${name}"`, {
        hint: suggestion(name, Object.keys(specs)),
      });
  }
  for (const [name, spec] of Object.entries(specs)) {
    const value = given[name];
    if (value === undefined) {
      if (spec.fallback === undefined) throw new EspalierError("input", `${op} needs the attribute "${name}"`);
      complete[name] = spec.fallback;
    } else {
      if (!fits(spec.kind, value))
        throw new EspalierError(
          "input",
          `Attribute "${name}" of ${op} must be ${spec.kind}, got ${JSON.stringify(value)}`,
        );
      complete[name] = value;
    }
  }
  return complete as AttributesOf<S>;
}
