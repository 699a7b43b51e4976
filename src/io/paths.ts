import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep, win32 } from "node:path";
import { EspalierError } from "../diagnostics/index.ts";
import { systemError } from "./read.ts";

/**
 * The segments of a relative path that stays below its root, by its text alone.
 * @throws EspalierError "input" on an empty or absolute path, a drive letter, "..", a NUL or a control character.
 */
export function safeSegments(path: string): string[] {
  const refuse = (reason: string) =>
    new EspalierError("input", `The path ${JSON.stringify(path)} is not allowed: ${reason}`, {
      hint: 'Use a relative path inside the folder, such as "images/cat.png".',
    });
  if (path === "") throw refuse("it is empty");
  for (const character of path)
    if (character < " " || character === "\x7f") throw refuse("it holds a control character");
  if (isAbsolute(path) || win32.isAbsolute(path)) throw refuse("it is absolute");
  if (/^[A-Za-z]:/.test(path)) throw refuse("it names a drive");
  const segments = path.split(/[/\\]/).filter((segment) => segment !== "" && segment !== ".");
  if (segments.length === 0) throw refuse("it names the folder itself");
  if (segments.includes("..")) throw refuse("it leaves the folder");
  return segments;
}

/**
 * The real path of `path` below `root`, links resolved; what does not exist yet may be named, so that it can be written.
 * @throws EspalierError "input" when it leads outside `root`, also through a symbolic link, or through a link to nothing.
 */
export async function confine(root: string, path: string): Promise<string> {
  const segments = safeSegments(path);
  let base: string;
  try {
    base = await realpath(root);
  } catch (error) {
    throw systemError(error, root, "folder");
  }
  let current = base;
  for (const [i, segment] of segments.entries()) {
    const next = join(current, segment);
    const facts = await lstat(next).catch(() => null);
    if (facts === null) return join(current, ...segments.slice(i));
    const resolved = await realpath(next).catch(() => null);
    if (resolved === null || !isInside(base, resolved)) {
      throw new EspalierError("input", `The path ${JSON.stringify(path)} leads outside its folder by a symbolic link`, {
        where: next,
        hint: "Copy what the link points to into the folder.",
      });
    }
    current = resolved;
  }
  return current;
}

/** Whether `path` is `root` or below it; both absolute and without links. */
export function isInside(root: string, path: string): boolean {
  const difference = relative(root, path);
  return difference === "" || (difference !== ".." && !difference.startsWith(`..${sep}`) && !isAbsolute(difference));
}
