import { invariant } from "../diagnostics/index.ts";

/**
 * JSON with sorted keys: equal values give equal text, whatever order their keys were set in. Members that are undefined
 * are left out, as JSON.stringify does; what JSON would change silently (NaN, infinities, typed arrays, maps, dates,
 * bigints, functions) is an internal error, because a value that is read back must equal the one that was written.
 */
export function stableJson(value: unknown, indent = 0): string {
  return JSON.stringify(ordered(value, "$"), null, indent);
}

function ordered(value: unknown, path: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    invariant(Number.isFinite(value), `${path} is ${value}, which JSON cannot hold`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item, i) => ordered(item, `${path}[${i}]`));
  invariant(isPlainObject(value), `${path} is ${describe(value)}, which JSON cannot hold`);
  // Without a prototype, a key "__proto__" is a key like any other.
  const out: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value).sort()) {
    if (value[key] !== undefined) out[key] = ordered(value[key], `${path}.${key}`);
  }
  return out;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return `of type ${typeof value}`;
  return `a ${value.constructor.name}`;
}
