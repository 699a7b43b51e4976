import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { EspalierError, invariant, suggestion } from "../../diagnostics/index.ts";
import { listFolder, readInputFile } from "../../io/index.ts";
import { isJsonObject, type JsonObject, resolveExtends } from "./inherit.ts";
import { type DeviceProfile, profileSchema } from "./schema.ts";

/** A profile is a page of text; anything larger is not one (the largest shipped is under 10 KB). */
const MAX_PROFILE_BYTES = 1 << 20;

/** The folder of the shipped profiles, from the sources as from the build (dist/src/cost/profile). */
export function shippedProfilesDirectory(): string {
  const above = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
  return join(basename(above) === "dist" ? dirname(above) : above, "hardware-profiles");
}

/** Names of the profiles in a folder, sorted. */
export async function listProfiles(directory: string = shippedProfilesDirectory()): Promise<string[]> {
  const entries = await listFolder(directory, directory);
  return entries
    .filter(({ name, kind }) => kind === "file" && name.endsWith(".json") && name !== "schema.json")
    .map(({ name }) => basename(name, ".json"));
}

/**
 * Reads and validates a device profile: a shipped name, or the path of a JSON file (anything with a separator or ending in `.json`). `extends`
 * names a profile beside the file or a shipped one. Throws `usage` for an unknown name, `input` for a file that is missing or wrong.
 */
export async function loadProfile(
  nameOrPath: string,
  directory: string = shippedProfilesDirectory(),
): Promise<DeviceProfile> {
  const isPath =
    nameOrPath.endsWith(".json") || nameOrPath.includes(sep) || nameOrPath.includes("/") || isAbsolute(nameOrPath);
  const known = await listProfiles(directory);
  if (!isPath && !known.includes(nameOrPath)) {
    throw new EspalierError("usage", `No device profile is called "${nameOrPath}"`, {
      hint: suggestion(nameOrPath, known),
    });
  }
  const file = isPath ? resolve(nameOrPath) : join(directory, `${nameOrPath}.json`);
  const own = basename(file, ".json");
  const merged = await resolveExtends(own, async (name, usedBy) => {
    if (usedBy === null) return readJson(file);
    return readJson(await findParent(name, usedBy, [dirname(file), directory]));
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

async function findParent(name: string, usedBy: string, folders: readonly string[]): Promise<string> {
  const seen = new Set<string>();
  for (const folder of folders) {
    const names = await listProfiles(folder);
    if (names.includes(name)) return join(folder, `${name}.json`);
    for (const other of names) seen.add(other);
  }
  throw new EspalierError("input", `Profile "${usedBy}" extends "${name}", which does not exist`, {
    where: `${usedBy}.json, field extends`,
    hint: suggestion(name, [...seen].sort()),
  });
}

async function readJson(file: string): Promise<JsonObject> {
  const bytes = await readInputFile(file, { what: "device profile", maxBytes: MAX_PROFILE_BYTES });
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EspalierError("input", `The profile is not valid JSON: ${reason}`, {
      where: file,
      hint: "Correct the file.",
      cause,
    });
  }
  if (!isJsonObject(raw)) {
    throw new EspalierError("input", "The profile is not a JSON object", {
      where: file,
      hint: "Start the file with {.",
    });
  }
  return raw;
}
