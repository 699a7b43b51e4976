import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { EspalierError, invariant, suggestion } from "../../diagnostics/index.ts";
import { isJsonObject, type JsonObject, resolveExtends } from "./inherit.ts";
import { type DeviceProfile, profileSchema } from "./schema.ts";

/** A profile is a page of text; anything larger is not one (the largest shipped is under 10 KB). */
const MAX_PROFILE_BYTES = 1 << 20;

/** The folder of the shipped profiles: the nearest `hardware-profiles` above this module, in the sources as in the build. */
export function shippedProfilesDirectory(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, "hardware-profiles");
    if (existsSync(join(candidate, "schema.json"))) return candidate;
    const parent = dirname(folder);
    invariant(parent !== folder, "the folder hardware-profiles is missing from the package");
    folder = parent;
  }
}

/** Names of the profiles in a folder, sorted. */
export function listProfiles(directory: string = shippedProfilesDirectory()): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json") && file !== "schema.json")
    .map((file) => basename(file, ".json"))
    .sort();
}

/**
 * Reads and validates a device profile: a shipped name, or the path of a JSON file (anything with a separator or ending in `.json`). `extends`
 * names a profile beside the file or a shipped one. Throws `usage` for an unknown name, `input` for a file that is missing or wrong.
 */
export function loadProfile(nameOrPath: string, directory: string = shippedProfilesDirectory()): DeviceProfile {
  const isPath = nameOrPath.endsWith(".json") || nameOrPath.includes(sep) || nameOrPath.includes("/") || isAbsolute(nameOrPath);
  const file = isPath ? resolve(nameOrPath) : join(directory, `${nameOrPath}.json`);
  if (!isPath && !existsSync(file)) {
    throw new EspalierError("usage", `No device profile is called "${nameOrPath}"`, {
      hint: suggestion(nameOrPath, listProfiles(directory)),
    });
  }
  const files = new Map([[basename(file, ".json"), file]]);
  const merged = resolveExtends(basename(file, ".json"), (name, usedBy) => {
    const found = files.get(name) ?? findParent(name, usedBy ?? name, [dirname(file), directory]);
    files.set(name, found);
    return readJson(found);
  });
  return parseProfile(merged, file);
}

/** Validates a merged profile object; `where` names it in errors. Throws `input` with the first field that is wrong. */
export function parseProfile(raw: unknown, where: string): DeviceProfile {
  const parsed = profileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  invariant(issue !== undefined, "a failed parse has no issue");
  const others = parsed.error.issues.length - 1;
  throw new EspalierError("input", `Profile field ${fieldOf(issue)}: ${issue.message}`, {
    where: `${where}, field ${fieldOf(issue)}`,
    hint: `hardware-profiles/schema.json and docs/hardware-profiles.md describe the fields.${others > 0 ? ` ${others} more are wrong.` : ""}`,
  });
}

function fieldOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") path.push(issue.keys.join(" and "));
  return path.length === 0 ? "(whole file)" : path.join(".");
}

function findParent(name: string, usedBy: string, folders: readonly string[]): string {
  for (const folder of folders) {
    const candidate = join(folder, `${name}.json`);
    if (/^[a-z0-9-]+$/.test(name) && existsSync(candidate)) return candidate;
  }
  throw new EspalierError("input", `Profile "${usedBy}" extends "${name}", which does not exist`, {
    where: `${usedBy}.json, field extends`,
    hint: suggestion(name, [...new Set(folders.flatMap((folder) => listProfiles(folder)))].sort()),
  });
}

function readJson(file: string): JsonObject {
  let text: string;
  try {
    const size = statSync(file).size;
    if (size > MAX_PROFILE_BYTES) {
      throw new EspalierError("input", `A profile of ${size} bytes is larger than the limit of ${MAX_PROFILE_BYTES}`, {
        where: file,
        hint: "Give a device profile, a short JSON file as in hardware-profiles/.",
      });
    }
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError("input", "The profile cannot be read", { where: file, hint: "Check the path.", cause });
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EspalierError("input", `The profile is not valid JSON: ${reason}`, { where: file, hint: "Correct the file.", cause });
  }
  if (!isJsonObject(raw)) {
    throw new EspalierError("input", "The profile is not a JSON object", { where: file, hint: "Start the file with {." });
  }
  return raw;
}
