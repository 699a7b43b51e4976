import { EspalierError } from "../../diagnostics/index.ts";

/** A JSON object before validation. */
export type JsonObject = { readonly [key: string]: unknown };

/** True for `{...}`, false for arrays, null and scalars. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The parent with the child's fields laid over it: objects merge key by key, arrays and scalars replace, `null` removes the inherited key.
 * What states a source (a quantity, a calibration) replaces whole, or a child's number would keep the parent's source.
 */
export function mergeProfiles(parent: JsonObject, child: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...parent };
  for (const [key, value] of Object.entries(child)) {
    const inherited = parent[key];
    if (value === null) delete merged[key];
    else if (isJsonObject(value) && isJsonObject(inherited) && !statesFact(value))
      merged[key] = mergeProfiles(inherited, value);
    else merged[key] = value;
  }
  return merged;
}

function statesFact(value: JsonObject): boolean {
  return "value" in value || "source" in value;
}

/**
 * Follows `extends` from a profile to its root and merges on the way back. `read` gives the raw object of a name, and throws for an unknown one.
 * Throws `input` when a name comes twice.
 */
export async function resolveExtends(
  name: string,
  read: (name: string, usedBy: string | null) => Promise<JsonObject>,
): Promise<JsonObject> {
  const chain: string[] = [];
  const layers: JsonObject[] = [];
  let next: string | undefined = name;
  while (next !== undefined) {
    const usedBy = chain.at(-1) ?? null;
    if (chain.includes(next)) {
      throw new EspalierError("input", `Profiles extend each other in a circle: ${[...chain, next].join(" -> ")}`, {
        where: `${usedBy}, field extends`,
        hint: "Remove one of the extends fields.",
      });
    }
    chain.push(next);
    const raw: JsonObject = await read(next, usedBy);
    layers.push(raw);
    next = typeof raw.extends === "string" ? raw.extends : undefined;
  }
  const merged = layers.reduceRight((parent, child) => mergeProfiles(parent, child), {} as JsonObject);
  return merged;
}
